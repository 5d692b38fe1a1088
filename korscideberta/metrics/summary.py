"""The figures reported together for a split, and the same figures for the majority ranking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from korscideberta.metrics.classification import accuracy, macro_f1
from korscideberta.metrics.topk import mean_reciprocal_rank, rank_labels, topk_f1

Score = Callable[[ArrayLike, Sequence[Sequence[int]], int], dict[str, float]]
"""(scores (N, C), gold labels a document, k) → figures by name."""


def several_labels(scores: ArrayLike, gold: Sequence[Sequence[int]], k: int) -> dict[str, float]:
    """Return the top-k F1 family and the mean reciprocal rank, for documents with several gold labels."""
    return {**topk_f1(scores, gold, k), "mrr": mean_reciprocal_rank(scores, gold)}


def single_label(scores: ArrayLike, gold: Sequence[Sequence[int]], k: int) -> dict[str, float]:
    """Return accuracy, macro-F1, top-k accuracy and mean reciprocal rank, for documents with one gold label each."""
    predicted = rank_labels(scores)[:, 0].tolist()
    truth = [labels[0] for labels in gold]
    return {
        "accuracy": accuracy(predicted, truth),
        "f1_macro": macro_f1(predicted, truth),
        "topk_accuracy": topk_f1(scores, gold, k)["topk_accuracy"],
        "mrr": mean_reciprocal_rank(scores, gold),
    }


def majority_scores(label_counts: Sequence[int], documents: int) -> np.ndarray:
    """Return (documents, C) scores that rank labels by how often the training set has them."""
    return np.tile(np.asarray(label_counts, dtype=np.float64), (documents, 1))


def summarise(
    score: Score, scores: ArrayLike, gold: Sequence[Sequence[int]], k: int, label_counts: Sequence[int]
) -> dict[str, float]:
    """Return the figures of `scores`, those of the majority ranking as `majority_…`, `k` and the document count."""
    majority: Mapping[str, float] = score(majority_scores(label_counts, len(gold)), gold, k)
    return {
        **score(scores, gold, k),
        **{f"majority_{name}": value for name, value in majority.items()},
        "k": k,
        "documents": len(gold),
    }
