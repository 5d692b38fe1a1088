"""The top-k F1 family of paper research-field classification.

A document counts as found when one of its (up to three) gold fields is among the k best-ranked labels.

Shapes: N documents, C labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from korscideberta.metrics.classification import macro_f1


def rank_labels(scores: ArrayLike) -> NDArray[np.int64]:
    """Return (N, C) label indices, best first; of equal scores the smaller label index comes first."""
    scores_NC = np.asarray(scores, dtype=np.float64)
    if scores_NC.ndim != 2 or scores_NC.shape[1] == 0:
        raise ValueError(f"scores must have the shape (documents, labels), found {scores_NC.shape}")
    if np.isnan(scores_NC).any():
        raise ValueError(f"scores of document {int(np.isnan(scores_NC).any(axis=1).argmax())} hold NaN")
    return np.argsort(-scores_NC, axis=1, kind="stable")


def topk_f1(scores: ArrayLike, gold: Sequence[Sequence[int]], k: int = 3) -> dict[str, float]:
    """Score ranked labels against one or more gold labels a document.

    With P the k best-ranked labels and G the gold labels (primary first), a document matches when P and G share a
    label; its paired entry is then (m, m) with m the best-ranked shared label, else (primary gold, best-ranked label).

    Args:
        scores: (N, C) scores, larger is better.
        gold: for each document its distinct gold label indices, primary first.
        k: how many labels may be proposed, 1 ≤ k ≤ C.

    Returns:
        `f1_micro` (share of documents that match), `f1_macro` (macro-F1 of the paired lists over the labels in either),
        `f1_strict` (share of gold labels found when each document proposes as many labels as it has gold ones),
        `top1_accuracy` (best-ranked label is the primary gold one) and `topk_accuracy` (equal to `f1_micro`).

    Raises:
        ValueError: no documents, shapes that do not fit, k out of range, a document without or with repeated gold
            labels, a gold index outside the labels.
    """
    ranked_NC = rank_labels(scores)
    _check(ranked_NC, gold, k)
    true, predicted = [], []
    strict_found = 0
    first_found = 0
    matches = 0
    for ranked_C, labels in zip(ranked_NC.tolist(), gold, strict=True):
        labels_set = set(labels)
        match = next((label for label in ranked_C[:k] if label in labels_set), None)
        matches += match is not None
        true.append(labels[0] if match is None else match)
        predicted.append(ranked_C[0] if match is None else match)
        strict_found += len(labels_set.intersection(ranked_C[: len(labels)]))
        first_found += ranked_C[0] == labels[0]
    return {
        "f1_micro": matches / len(gold),
        "f1_macro": macro_f1(predicted, true),
        "f1_strict": strict_found / sum(len(labels) for labels in gold),
        "top1_accuracy": first_found / len(gold),
        "topk_accuracy": matches / len(gold),
    }


def mean_reciprocal_rank(scores: ArrayLike, gold: Sequence[Sequence[int]]) -> float:
    """Return the mean over documents of 1 / rank of the best-ranked gold label."""
    ranked_NC = rank_labels(scores)
    _check(ranked_NC, gold, 1)
    ranks = [
        next(rank for rank, label in enumerate(ranked_C, start=1) if label in labels)
        for ranked_C, labels in zip(ranked_NC.tolist(), map(set, gold), strict=True)
    ]
    return float(np.mean([1.0 / rank for rank in ranks]))


def _check(ranked_NC: NDArray[np.int64], gold: Sequence[Sequence[int]], k: int) -> None:
    documents, labels = ranked_NC.shape
    if documents == 0 or documents != len(gold):
        raise ValueError(f"{documents} rows of scores for {len(gold)} documents")
    if not 1 <= k <= labels:
        raise ValueError(f"k={k} must lie between 1 and the number of labels, {labels}")
    for document, indices in enumerate(gold):
        if len(indices) == 0 or len(set(indices)) != len(indices):
            raise ValueError(f"document {document} must have one or more distinct gold labels, found {list(indices)}")
        if min(indices) < 0 or max(indices) >= labels:
            raise ValueError(f"document {document} has a gold label outside 0…{labels - 1}: {list(indices)}")
