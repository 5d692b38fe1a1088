"""The figures of a finished run with intervals, from its prediction files."""

# Shapes: N documents, C labels

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from korscideberta.errors import ModelError
from korscideberta.metrics.resampling import bootstrap_intervals
from korscideberta.metrics.summary import Score
from korscideberta.run import RunDirectory

_log = logging.getLogger(__name__)

RESAMPLES, SEED = 1000, 0
_NOT_FIGURES = ("documents", "k")
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Figure:
    """One figure of a split."""

    value: float
    majority: float | None
    """The same figure of always naming the most frequent labels."""
    interval: tuple[float, float] | None
    """95 % of resampled test sets give a figure in here; None where the predictions kept do not decide it."""


def read_figures(run: RunDirectory, labels: Sequence[str], score: Score) -> dict[str, dict[str, Figure]]:
    """Return the figures of `metrics.json` by split and name, with intervals from `predictions-SPLIT.csv`.

    Raises:
        ModelError: the run is not finished, or its figures are not those of its predictions.
    """
    try:
        stored = json.loads(run.metrics.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{run.metrics}: cannot be read ({error}); let the training finish") from None
    _log.info("%s: resampling the predictions %d times for intervals", run.path, RESAMPLES)
    return {split: _with_intervals(run.predictions(split), found, labels, score) for split, found in stored.items()}


def _with_intervals(path: Path, figures: dict[str, float], labels: Sequence[str], score: Score) -> dict[str, Figure]:
    ranks_NC, gold, k = _read_predictions(path, labels)

    def of_sample(indices: NDArray[np.int64]) -> dict[str, float]:
        found = score(ranks_NC[indices], [gold[i] for i in indices], k)
        return {name: found[name] for name in found if name not in undecided}

    # A file names the k best labels: what lies below them, and more gold labels than k, it does not decide.
    undecided = set()
    if k < len(labels):
        undecided.add("mrr")
    if max(map(len, gold)) > k:
        undecided.add("f1_strict")
    for name, value in of_sample(np.arange(len(gold))).items():
        if name in figures and abs(figures[name] - value) > _TOLERANCE:
            raise ModelError(
                f"{path}: {name} of these predictions is {value:.4f}, metrics.json has {figures[name]:.4f}; train again"
            )
    intervals = bootstrap_intervals(of_sample, len(gold), resamples=RESAMPLES, seed=SEED)
    return {
        name: Figure(value, figures.get(f"majority_{name}"), intervals.get(name))
        for name, value in figures.items()
        if name not in _NOT_FIGURES and not name.startswith("majority_")
    }


def _read_predictions(path: Path, labels: Sequence[str]) -> tuple[NDArray[np.float64], list[list[int]], int]:
    """Scores (N, C) that rank the labels as the file does, the gold labels, and how many labels a row names."""
    index_of = {label: index for index, label in enumerate(labels)}
    scores, gold = [], []
    k = 0
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                named = [row[f"pred_{i}"] for i in range(1, len(row)) if f"pred_{i}" in row]
                k = len(named)
                line = np.zeros(len(labels))
                line[[index_of[label] for label in named]] = np.arange(k, 0, -1)
                scores.append(line)
                whole = row["gold"] in index_of  # a label may hold the separator of several
                gold.append([index_of[label] for label in ([row["gold"]] if whole else row["gold"].split("|"))])
    except (OSError, UnicodeDecodeError, KeyError, csv.Error) as error:
        raise ModelError(f"{path}: not the predictions of this run ({error}); train again") from None
    if not scores:
        raise ModelError(f"{path}: holds no predictions; train again")
    return np.stack(scores), gold, k
