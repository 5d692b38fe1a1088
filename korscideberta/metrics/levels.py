"""Labels of the levels above the lowest ones, and figures of these levels.

Shapes: N documents, C lowest labels, U labels of one of the upper levels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from korscideberta.metrics.summary import Score


@dataclass(frozen=True)
class Level:
    """One of the upper levels; a lowest label above it stands for itself there."""

    name: str
    labels: tuple[str, ...]
    above_C: NDArray[np.int64]
    """For each lowest label the index of the label of this level above it."""

    def above(self, lowest: Sequence[int]) -> tuple[int, ...]:
        """Return the labels of this level above some lowest ones, in their order, each once."""
        return tuple(dict.fromkeys(self.above_C[list(lowest)].tolist()))

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add up values (N, C) of the lowest labels below each label of the level: (N, U)."""
        if values.strides[0] == 0:  # one row that stands for all
            return np.broadcast_to(self.sums(values[:1].copy()), (len(values), len(self.labels)))
        order = np.argsort(self.above_C, kind="stable")
        starts = np.searchsorted(self.above_C[order], np.arange(len(self.labels)))
        result: NDArray[np.float64] = np.add.reduceat(values[:, order], starts, axis=1)
        return result


def upper_levels(
    labels: Sequence[str], path: Callable[[str], Sequence[str]], names: Sequence[str]
) -> tuple[Level, ...]:
    """Return the levels above the lowest, the highest first.

    Args:
        labels: the lowest labels.
        path: gives the labels above a label, and last itself.
        names: what the levels are called, the highest first.
    """
    paths = [path(label) for label in labels]
    found = []
    for number in range(max(map(len, paths)) - 1):
        above = [path[min(number, len(path) - 1)] for path in paths]
        upper = tuple(dict.fromkeys(above))
        place = {label: index for index, label in enumerate(upper)}
        found.append(Level(names[number], upper, np.array([place[label] for label in above])))
    return tuple(found)


def level_figures(
    score: Score, values: NDArray[np.float64], gold: Sequence[Sequence[int]], k: int, levels: Sequence[Level]
) -> dict[str, float]:
    """Return the figures of levels by names such as `large_f1_micro`.

    Args:
        score: gives the figures of a level.
        values: (N, C) what ranks the lowest labels, and in sums those above them.
        gold: for each document its lowest gold labels.
        k: how many labels may be proposed, all of a level at most.
        levels: the levels.
    """
    found: dict[str, float] = {}
    for level in levels:
        above = [level.above(row) for row in gold]
        figures = score(level.sums(values), above, min(k, len(level.labels)))
        found |= {f"{level.name}_{name}": value for name, value in figures.items()}
    return found
