"""Single-label figures, computed by scikit-learn.

It takes as long to import as torch, so it is imported when a figure is asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def accuracy(predicted: Sequence[int], gold: Sequence[int]) -> float:
    """Return the share of documents whose predicted label is the gold one."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(gold, predicted))


def macro_f1(predicted: Sequence[int], gold: Sequence[int]) -> float:
    """Return the unweighted mean of per-label F1 over the labels that occur in either list."""
    from sklearn.metrics import f1_score

    return float(f1_score(gold, predicted, average="macro"))


def matthews(predicted: Sequence[int | str], gold: Sequence[int | str]) -> float:
    """Return Matthews' correlation of any number of labels, R_K (Gorodkin 2004); 0 where either side has one label."""
    from sklearn.metrics import matthews_corrcoef

    return float(matthews_corrcoef(gold, predicted))


def majority_class(train_gold: Sequence[int]) -> int:
    """Return the most frequent label; of equally frequent ones the smallest index."""
    counts = Counter(train_gold)
    return min(counts, key=lambda label: (-counts[label], label))
