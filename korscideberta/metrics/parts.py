"""What each document adds to a figure, so that the figure of any weighting of the documents is a few sums.

A document drawn twice into a resample weighs 2, one left out 0. Shapes: N documents, C labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float64]


class Part(Protocol):
    """A figure as a function of the documents' weights."""

    def value(self, weights: Weights | None = None) -> float:
        """The figure with weights (N,); None weighs every document 1."""
        ...


@dataclass(frozen=True)
class Share:
    """What the documents gained of what they could have: accuracy, a mean, or a ratio of sums."""

    gained: NDArray[np.float64]
    possible: NDArray[np.float64] | None = None
    """None is 1 a document."""

    def value(self, weights: Weights | None = None) -> float:
        """The ratio of the weighted sums."""
        weights = np.ones(len(self.gained)) if weights is None else weights
        possible = weights.sum() if self.possible is None else weights @ self.possible
        return float(weights @ self.gained / possible)


@dataclass(frozen=True)
class MacroF1:
    """The mean of the labels' F1 over the labels that a document of weight has as its true or predicted one."""

    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    num_labels: int

    def per_label(self, weights: Weights | None = None) -> Weights:
        """F1 (C,) of each label, NaN where it does not occur."""
        right = self.true == self.predicted
        chosen = None if weights is None else weights[right]
        both = np.bincount(self.true[right], chosen, self.num_labels)
        occurring = np.bincount(self.true, weights, self.num_labels) + np.bincount(
            self.predicted, weights, self.num_labels
        )
        result = np.full(self.num_labels, np.nan)
        np.divide(2.0 * both, occurring, out=result, where=occurring > 0)
        return result

    def value(self, weights: Weights | None = None) -> float:
        """The mean over the labels that occur."""
        return float(np.nanmean(self.per_label(weights)))
