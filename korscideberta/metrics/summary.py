"""The figures reported together for a split, and the same figures for the majority ranking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from korscideberta.metrics.parts import MacroF1, Part
from korscideberta.metrics.topk import Outcomes, outcomes, rank_labels, topk_parts

Score = Callable[[ArrayLike, Sequence[Sequence[int]], int], dict[str, float]]
"""(scores (N, C), gold labels a document, k) → figures by name."""


def several_labels(scores: ArrayLike, gold: Sequence[Sequence[int]], k: int) -> dict[str, float]:
    """Return the top-k F1 family and the mean reciprocal rank, for documents with several gold labels."""
    return _values(topk_parts, scores, gold, k)


def single_label(scores: ArrayLike, gold: Sequence[Sequence[int]], k: int) -> dict[str, float]:
    """Return accuracy, macro-F1, top-k accuracy and mean reciprocal rank, for documents with one gold label each."""
    return _values(single_label_parts, scores, gold, k)


def single_label_parts(found: Outcomes, num_labels: int) -> dict[str, Part]:
    """Return the figures of `single_label` as functions of the documents' weights, those that are decided."""
    parts = topk_parts(found, num_labels)
    macro = MacroF1(found.primary, found.first, num_labels)
    rest: dict[str, Part] = {name: parts[name] for name in ("topk_accuracy", "mrr") if name in parts}
    return {"accuracy": parts["top1_accuracy"], "f1_macro": macro, **rest}


PARTS: dict[Score, Callable[[Outcomes, int], dict[str, Part]]] = {
    single_label: single_label_parts,
    several_labels: topk_parts,
}
"""For a score, its figures as functions of the documents' weights: (outcomes, number of labels) → figures."""


def _values(
    parts: Callable[[Outcomes, int], dict[str, Part]], scores: ArrayLike, gold: Sequence[Sequence[int]], k: int
) -> dict[str, float]:
    ranked_NC = rank_labels(scores)
    return {name: part.value() for name, part in parts(outcomes(ranked_NC, gold, k), ranked_NC.shape[1]).items()}


def majority_scores(label_counts: Sequence[int], documents: int) -> np.ndarray:
    """Return (documents, C) scores that rank labels by how often the training set has them."""
    counts = np.asarray(label_counts, dtype=np.float64)
    return np.broadcast_to(counts, (documents, len(counts)))


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
