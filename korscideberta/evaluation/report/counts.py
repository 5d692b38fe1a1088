"""The predictions of a split with labels as indices, and what can be counted in them.

Shapes: N documents, C labels, R labels named for a document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from korscideberta.metrics.parts import MacroF1
from korscideberta.predictions import Predictions


@dataclass(frozen=True)
class Counted:
    """Documents with their gold labels and the labels named for them, as indices."""

    labels: tuple[str, ...]
    ids: tuple[str, ...]
    gold: tuple[tuple[int, ...], ...]
    """Gold labels of each document, the primary one first."""
    ranked: NDArray[np.int64]
    """(N, R), best first."""
    shares: NDArray[np.float64]
    """(N, R) their probabilities."""

    @classmethod
    def of(cls, predictions: Predictions, labels: Sequence[str]) -> Counted:
        """Take predictions of these labels."""
        index_of = {label: index for index, label in enumerate(labels)}
        return cls(
            labels=tuple(labels),
            ids=predictions.ids,
            gold=tuple(tuple(index_of[label] for label in row) for row in predictions.gold),
            ranked=np.array([[index_of[label] for label in row] for row in predictions.ranked]),
            shares=np.array(predictions.probabilities),
        )

    @property
    def first(self) -> NDArray[np.int64]:
        """(N,) the label named first."""
        return self.ranked[:, 0]

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        """(N,) whether the label named first is a gold one."""
        return np.array([label in gold for label, gold in zip(self.first.tolist(), self.gold, strict=True)])

    @cached_property
    def true(self) -> NDArray[np.int64]:
        """(N,) the gold label that the first named one is held against: itself if it is gold, else the primary one."""
        return np.where(self.correct, self.first, [gold[0] for gold in self.gold])

    def confusion(self) -> NDArray[np.int64]:
        """(C, C) documents by gold and first named label."""
        size = len(self.labels)
        return np.bincount(self.true * size + self.first, minlength=size * size).reshape(size, size)


@dataclass(frozen=True)
class LabelFigures:
    """How one label fared where the first named label counts."""

    label: int
    documents: int
    """Whose gold label it is."""
    named: int
    """For which it was named first."""
    precision: float
    recall: float
    f1: float


def by_label(predictions: Counted) -> list[LabelFigures]:
    """Return the figures of every label that is a gold or a named one, in the order of the labels."""
    confusion = predictions.confusion()
    f1 = MacroF1(predictions.true, predictions.first, len(predictions.labels)).per_label()
    found = []
    for label in np.flatnonzero(~np.isnan(f1)).tolist():
        right, documents, named = (
            int(n) for n in (confusion[label, label], confusion[label].sum(), confusion[:, label].sum())
        )
        found.append(
            LabelFigures(
                label,
                documents,
                named,
                right / named if named else 0.0,
                right / documents if documents else 0.0,
                float(f1[label]),
            )
        )
    return found


@dataclass(frozen=True)
class Confused:
    """Documents of one label for which another was named."""

    gold: int
    predicted: int
    documents: int
    share: float
    """Of the documents of the gold label."""


def most_confused(confusion_CC: NDArray[np.int64], count: int) -> list[Confused]:
    """Return the pairs of labels with the most errors, most first."""
    errors_CC = confusion_CC.copy()
    np.fill_diagonal(errors_CC, 0)
    totals = confusion_CC.sum(axis=1)
    pairs = sorted((-int(errors_CC[i, j]), i, j) for i, j in np.argwhere(errors_CC).tolist())
    return [Confused(i, j, -errors, -errors / int(totals[i])) for errors, i, j in pairs[:count]]


@dataclass(frozen=True)
class Collapsed:
    """A confusion matrix over groups of labels."""

    names: tuple[str, ...]
    counts: NDArray[np.int64]


def merged(confusion_CC: NDArray[np.int64], groups: Sequence[str]) -> Collapsed:
    """Add up the labels that have the same group; groups keep the order in which they first occur."""
    names = tuple(dict.fromkeys(groups))
    place = {name: index for index, name in enumerate(names)}
    member_CG = np.zeros((len(groups), len(names)), dtype=np.int64)
    member_CG[np.arange(len(groups)), [place[group] for group in groups]] = 1
    return Collapsed(names, member_CG.T @ confusion_CC @ member_CG)


def most_erring(confusion_CC: NDArray[np.int64], count: int) -> list[int]:
    """Return the labels that take part in the most errors, as many as asked for, in the order of the labels."""
    errors = confusion_CC.sum(axis=0) + confusion_CC.sum(axis=1) - 2 * confusion_CC.diagonal()
    best = np.argsort(-errors, kind="stable")[:count]
    return sorted(int(label) for label in best if errors[label])


def share_interval(right: int, documents: int) -> tuple[float, float]:
    """Return the 95 % interval of a share.

    Source: Wilson 1927, Probable inference, the law of succession, and statistical inference.
    """
    z = 1.959963984540054
    share = right / documents
    middle = share + z * z / (2 * documents)
    half = z * np.sqrt(share * (1 - share) / documents + z * z / (4 * documents * documents))
    scale = 1 + z * z / documents
    return float(max(0.0, (middle - half) / scale)), float(min(1.0, (middle + half) / scale))
