"""Whether confidence means what it says.

Shapes: N documents.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

BINS = 15


@dataclass(frozen=True)
class Bin:
    """Documents of like confidence."""

    documents: int
    confidence: float
    """Mean probability of the predicted label."""
    accuracy: float
    """Share of the predictions that are right."""


def equal_mass_bins(confidence: ArrayLike, correct: ArrayLike, bins: int = BINS) -> list[Bin]:
    """Divide documents by rising confidence into bins of as equal numbers as can be; empty bins are left out.

    Args:
        confidence: (N,) probability of the predicted label.
        correct: (N,) whether it is right.
        bins: how many bins.

    Raises:
        ValueError: no documents, shapes that differ, no bins.
    """
    sure, right = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    if sure.ndim != 1 or sure.shape != right.shape or not len(sure) or bins < 1:
        raise ValueError(f"nothing to calibrate: confidence {sure.shape}, correct {right.shape}, bins={bins}")
    order = np.argsort(sure, kind="stable")
    return [
        Bin(len(part), float(sure[part].mean()), float(right[part].mean()))
        for part in np.array_split(order, bins)
        if len(part)
    ]


def calibration_error(confidence: ArrayLike, correct: ArrayLike, bins: int = BINS) -> float:
    """Return the expected calibration error over bins of equal mass.

    The mean distance of confidence and accuracy, bins weighing as much as they have documents.

    Source: Naeini, Cooper & Hauskrecht 2015 for the error, Nixon et al. 2019 (arXiv 1904.01685) for equal masses.
    """
    found = equal_mass_bins(confidence, correct, bins)
    total = sum(one.documents for one in found)
    return sum(one.documents * abs(one.confidence - one.accuracy) for one in found) / total
