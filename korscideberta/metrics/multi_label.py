"""Figures of any number of labels a document, by scikit-learn.

Shapes: N documents, C labels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

THRESHOLD = 0.5


def multi_label(probabilities: ArrayLike, gold: ArrayLike) -> dict[str, float]:
    """Return `f1_micro`, `f1_macro` and `exact_match` of the labels whose probability is at least a half.

    Args:
        probabilities: (N, C), each in [0, 1], of two labels or more.
        gold: (N, C), 1 where a document has a label.

    `f1_macro` is the mean over all C labels; a label that neither side ever has counts 0, as in scikit-learn.
    """
    from sklearn.metrics import f1_score

    predicted_NC, gold_NC = np.asarray(probabilities) >= THRESHOLD, np.asarray(gold) > 0
    return {
        "f1_micro": float(f1_score(gold_NC, predicted_NC, average="micro", zero_division=0)),
        "f1_macro": float(f1_score(gold_NC, predicted_NC, average="macro", zero_division=0)),
        "exact_match": float((predicted_NC == gold_NC).all(axis=1).mean()),
    }
