"""Figures of the GLUE, SuperGLUE and KLUE leaderboards for texts and pairs with one label.

Each takes (scores (N, C), gold labels a document, k) as a `metrics.summary.Score`; k plays no part. Shapes: N
documents, C labels.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from korscideberta.metrics import classification
from korscideberta.metrics.classification import accuracy, macro_f1
from korscideberta.metrics.topk import rank_labels

Gold = Sequence[Sequence[int]]


def accuracy_alone(scores: ArrayLike, gold: Gold, k: int) -> dict[str, float]:
    """Return `accuracy`: SST-2, QNLI, RTE, WNLI, ANLI, BoolQ, WiC, KLUE-NLI, NSMC."""
    predicted, truth = _labels(scores, gold)
    return {"accuracy": accuracy(predicted, truth)}


def matthews(scores: ArrayLike, gold: Gold, k: int) -> dict[str, float]:
    """Return Matthews' correlation `matthews` and `accuracy`: CoLA (Warstadt et al. 2018, arXiv 1805.12471)."""
    predicted, truth = _labels(scores, gold)
    return {"matthews": classification.matthews(predicted, truth), "accuracy": accuracy(predicted, truth)}


def accuracy_and_f1(scores: ArrayLike, gold: Gold, k: int) -> dict[str, float]:
    """Return `accuracy`, `f1` of the label with index 1, and their mean `accuracy_f1`: MRPC, QQP (GLUE)."""
    from sklearn.metrics import f1_score

    predicted, truth = _labels(scores, gold)
    right, f1 = accuracy(predicted, truth), float(f1_score(truth, predicted, zero_division=0))
    return {"accuracy": right, "f1": f1, "accuracy_f1": (right + f1) / 2}


def accuracy_and_macro_f1(scores: ArrayLike, gold: Gold, k: int) -> dict[str, float]:
    """Return `accuracy` and `f1_macro`, the mean of the labels' F1: CB (SuperGLUE), YNAT (KLUE)."""
    predicted, truth = _labels(scores, gold)
    return {"accuracy": accuracy(predicted, truth), "f1_macro": macro_f1(predicted, truth)}


def answers_f1(scores: ArrayLike, gold: Gold, k: int) -> dict[str, float]:
    """Return `f1a`, F1 of the label with index 1 over all answers, and `accuracy`: MultiRC (Khashabi et al. 2018)."""
    from sklearn.metrics import f1_score

    predicted, truth = _labels(scores, gold)
    return {"f1a": float(f1_score(truth, predicted, zero_division=0)), "accuracy": accuracy(predicted, truth)}


def relations(scores: ArrayLike, gold: Gold, k: int) -> dict[str, float]:
    """Return `f1_micro` over all labels but the first, `no_relation`, and `auprc`: RE (KLUE, Park et al. 2021).

    `auprc` is the area under the precision-recall curve of each label's probability, trapezoidal, averaged over the
    labels that occur in the gold answers; KLUE averages over all 30, which is the same where all occur.
    """
    from sklearn.metrics import auc, f1_score, precision_recall_curve

    predicted, truth = _labels(scores, gold)
    scores_NC = np.asarray(scores, dtype=np.float64)
    shares_NC = np.exp(scores_NC - scores_NC.max(axis=1, keepdims=True))
    shares_NC /= shares_NC.sum(axis=1, keepdims=True)
    areas = []
    for label in np.unique(truth):
        precision, recall, _ = precision_recall_curve(np.asarray(truth) == label, shares_NC[:, label])
        areas.append(float(auc(recall, precision)))
    named = list(range(1, scores_NC.shape[1]))
    f1 = float(f1_score(truth, predicted, labels=named, average="micro", zero_division=0))
    return {"f1_micro": f1, "auprc": float(np.mean(areas))}


def exact_match_by_group(right: Sequence[bool] | NDArray[np.bool_], groups: Sequence[Hashable]) -> float:
    """Return the share of groups of which everything is right: EM of MultiRC, whose groups are questions."""
    wrong = {group for group, one in zip(groups, right, strict=True) if not one}
    return 1.0 - len(wrong) / len(set(groups))


def accuracy_by_group(right: Sequence[bool] | NDArray[np.bool_], groups: Sequence[str | None]) -> dict[str, float]:
    """Return `accuracy_GROUP` of each group where there are several, such as MNLI's genres and ANLI's rounds."""
    found: dict[str, list[bool]] = {}
    for group, one in zip(groups, right, strict=True):
        if group is not None:
            found.setdefault(group, []).append(bool(one))
    if len(found) < 2:
        return {}
    return {f"accuracy_{group}": sum(found[group]) / len(found[group]) for group in sorted(found)}


def _labels(scores: ArrayLike, gold: Gold) -> tuple[list[int], list[int]]:
    predicted: list[int] = rank_labels(scores)[:, 0].tolist()
    return predicted, [labels[0] for labels in gold]
