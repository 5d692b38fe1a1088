"""The top-k F1 family of paper research-field classification.

A document counts as found when one of its (up to three) gold fields is among the k best-ranked labels.

Shapes: N documents, C labels, R ranked labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from korscideberta.metrics.parts import MacroF1, Part, Share

_BLOCK = 4096
"""Gold labels looked up at once: with thousands of labels the comparison of all would take gigabytes."""


def rank_labels(scores: ArrayLike) -> NDArray[np.int64]:
    """Return (N, C) label indices, best first; of equal scores the smaller label index comes first."""
    scores_NC = np.asarray(scores, dtype=np.float64)
    if scores_NC.ndim != 2 or scores_NC.shape[1] == 0:
        raise ValueError(f"scores must have the shape (documents, labels), found {scores_NC.shape}")
    if np.isnan(scores_NC).any():
        raise ValueError(f"scores of document {int(np.isnan(scores_NC).any(axis=1).argmax())} hold NaN")
    if scores_NC.strides[0] == 0:  # one row that stands for all
        return np.broadcast_to(rank_labels(scores_NC[:1].copy()), scores_NC.shape)
    return np.argsort(-scores_NC, axis=1, kind="stable")


@dataclass(frozen=True)
class Outcomes:
    """How the ranking of each document fared against its gold labels; every array is (N,)."""

    primary: NDArray[np.int64]
    """The primary gold label."""
    first: NDArray[np.int64]
    """The best-ranked label."""
    match: NDArray[np.int64]
    """The best-ranked of the k labels that is a gold one; -1 where none is."""
    gold_count: NDArray[np.int64]
    found: NDArray[np.int64] | None
    """Gold labels among as many best-ranked ones; None where the ranking is too short to tell."""
    rank: NDArray[np.int64] | None
    """Rank of the best-ranked gold label, from 1; None where the ranking is too short to tell."""

    @property
    def paired(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """True and predicted label: the match twice, or the primary gold label and the best-ranked one."""
        missed = self.match < 0
        return np.where(missed, self.primary, self.match), np.where(missed, self.first, self.match)


def outcomes(
    ranked: ArrayLike,
    gold: Sequence[Sequence[int]],
    k: int,
    *,
    num_labels: int | None = None,
    rank: ArrayLike | None = None,
) -> Outcomes:
    """Hold rankings against gold labels.

    Args:
        ranked: (N, R) label indices, best first: all labels, or no more than the best R ≥ k.
        gold: for each document its distinct gold label indices, primary first.
        k: how many labels may be proposed.
        num_labels: how many labels there are, R if None.
        rank: (N,) ranks of the best-ranked gold labels, where they are known from elsewhere.

    Raises:
        ValueError: no documents, shapes that do not fit, k out of range, a document without or with repeated gold
            labels, a gold index outside the labels.
    """
    ranked_NR = np.asarray(ranked, dtype=np.int64)
    num_labels = ranked_NR.shape[1] if num_labels is None else num_labels
    _check(ranked_NR, gold, k, num_labels)
    counts = np.array([len(labels) for labels in gold])
    document = np.repeat(np.arange(len(gold)), counts)
    flat = np.fromiter((label for labels in gold for label in labels), np.int64, counts.sum())
    place = _places(ranked_NR, document, flat)
    starts = np.cumsum(counts) - counts
    best = np.minimum.reduceat(place, starts)
    found = np.add.reduceat((place < counts[document]).astype(np.int64), starts)
    whole = ranked_NR.shape[1] == num_labels
    if rank is None and (whole or (best < ranked_NR.shape[1]).all()):
        rank = best + 1
    rows = np.arange(len(gold))
    return Outcomes(
        primary=flat[starts],
        first=ranked_NR[:, 0],
        match=np.where(best < k, ranked_NR[rows, np.minimum(best, ranked_NR.shape[1] - 1)], -1),
        gold_count=counts,
        found=found if whole or counts.max() <= ranked_NR.shape[1] else None,
        rank=None if rank is None else np.asarray(rank, dtype=np.int64),
    )


def topk_parts(found: Outcomes, num_labels: int) -> dict[str, Part]:
    """Return the figures of `topk_f1` and `mrr` as functions of the documents' weights, those that are decided."""
    matched = (found.match >= 0).astype(np.float64)
    parts: dict[str, Part] = {"f1_micro": Share(matched), "f1_macro": MacroF1(*found.paired, num_labels)}
    if found.found is not None:
        parts["f1_strict"] = Share(found.found.astype(np.float64), found.gold_count.astype(np.float64))
    parts["top1_accuracy"] = Share((found.first == found.primary).astype(np.float64))
    parts["topk_accuracy"] = Share(matched)
    if found.rank is not None:
        parts["mrr"] = Share(1.0 / found.rank)
    return parts


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
        ValueError: as `outcomes`.
    """
    ranked_NC = rank_labels(scores)
    parts = topk_parts(outcomes(ranked_NC, gold, k), ranked_NC.shape[1])
    return {name: part.value() for name, part in parts.items() if name != "mrr"}


def mean_reciprocal_rank(scores: ArrayLike, gold: Sequence[Sequence[int]]) -> float:
    """Return the mean over documents of 1 / rank of the best-ranked gold label."""
    found = outcomes(rank_labels(scores), gold, 1)
    assert found.rank is not None
    return Share(1.0 / found.rank).value()


def _places(ranked_NR: NDArray[np.int64], document: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place of each label, from 0, in the ranking of its document; R where it is beyond."""
    places = np.empty(len(labels), dtype=np.int64)
    for start in range(0, len(labels), _BLOCK):
        part = slice(start, start + _BLOCK)
        here = ranked_NR[document[part]] == labels[part, None]
        places[part] = np.where(here.any(axis=1), here.argmax(axis=1), ranked_NR.shape[1])
    return places


def _check(ranked_NR: NDArray[np.int64], gold: Sequence[Sequence[int]], k: int, num_labels: int) -> None:
    documents, ranked = ranked_NR.shape
    if documents == 0 or documents != len(gold):
        raise ValueError(f"{documents} rows of scores for {len(gold)} documents")
    if not 1 <= k <= ranked:
        raise ValueError(f"k={k} must lie between 1 and the number of ranked labels, {ranked}")
    for document, indices in enumerate(gold):
        if len(indices) == 0 or len(set(indices)) != len(indices):
            raise ValueError(f"document {document} must have one or more distinct gold labels, found {list(indices)}")
        if min(indices) < 0 or max(indices) >= num_labels:
            raise ValueError(f"document {document} has a gold label outside 0…{num_labels - 1}: {list(indices)}")
