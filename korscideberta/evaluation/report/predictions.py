"""The predictions of a split as a report needs them, and what can be counted in them.

Shapes: N documents, C labels, R labels named for a document.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from korscideberta.errors import ModelError
from korscideberta.metrics.parts import MacroF1


@dataclass(frozen=True)
class Predictions:
    """What `predictions-SPLIT.csv` holds, labels as indices."""

    labels: tuple[str, ...]
    ids: tuple[str, ...]
    gold: tuple[tuple[int, ...], ...]
    """Gold labels of each document, the primary one first."""
    ranked: NDArray[np.int64]
    """(N, R), best first."""
    shares: NDArray[np.float64]
    """(N, R) their probabilities."""

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


def read_predictions(path: Path, labels: Sequence[str]) -> Predictions:
    """Read the file of a split.

    Raises:
        ModelError: it is missing, or does not hold predictions of these labels.
    """
    index_of = {label: index for index, label in enumerate(labels)}
    ids, gold, ranked, shares = [], [], [], []
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            count = sum(name.startswith("pred_") for name in reader.fieldnames or ())
            for row in reader:
                ids.append(row["id"])
                whole = row["gold"] in index_of  # a label may hold the separator of several
                gold.append(tuple(index_of[label] for label in ([row["gold"]] if whole else row["gold"].split("|"))))
                ranked.append([index_of[row[f"pred_{place}"]] for place in range(1, count + 1)])
                shares.append([float(row[f"prob_{place}"]) for place in range(1, count + 1)])
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); let the training finish") from None
    except (UnicodeDecodeError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise ModelError(f"{path}: not the predictions of this run ({error}); train again") from None
    if not ids or not count:
        raise ModelError(f"{path}: holds no predictions; train again")
    return Predictions(tuple(labels), tuple(ids), tuple(gold), np.array(ranked), np.array(shares))


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


def by_label(predictions: Predictions) -> list[LabelFigures]:
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
