"""Figures of predicted numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def pearson(predicted: ArrayLike, gold: ArrayLike) -> float:
    """Return Pearson's correlation; 0 where either side does not vary, as a constant tells nothing of the other.

    Raises:
        ValueError: fewer than two numbers, or not as many on both sides.
    """
    x, y = _pair(predicted, gold)
    x, y = x - x.mean(), y - y.mean()
    spread = float(np.linalg.norm(x)) * float(np.linalg.norm(y))
    return 0.0 if spread == 0 else float(np.clip(x @ y / spread, -1.0, 1.0))


def spearman(predicted: ArrayLike, gold: ArrayLike) -> float:
    """Return Pearson's correlation of the ranks, equal numbers sharing their mean rank; errors as in `pearson`."""
    x, y = _pair(predicted, gold)
    return pearson(_ranks(x), _ranks(y))


def root_mean_square_error(predicted: ArrayLike, gold: ArrayLike) -> float:
    """Return the root of the mean squared difference."""
    x, y = np.asarray(predicted, dtype=np.float64), np.asarray(gold, dtype=np.float64)
    return float(np.sqrt(np.square(x - y).mean()))


def threshold_f1(predicted: ArrayLike, gold: ArrayLike, threshold: float) -> float:
    """Return F1 of "at or above the threshold"; KLUE reports it for STS at 3 (Park et al. 2021, section 3.2)."""
    from sklearn.metrics import f1_score

    x, y = np.asarray(predicted) >= threshold, np.asarray(gold) >= threshold
    return float(f1_score(y, x, zero_division=0))


def correlations(predicted: ArrayLike, gold: ArrayLike) -> dict[str, float]:
    """Return `pearson`, `spearman` and `rmse`."""
    return {
        "pearson": pearson(predicted, gold),
        "spearman": spearman(predicted, gold),
        "rmse": root_mean_square_error(predicted, gold),
    }


def _pair(predicted: ArrayLike, gold: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = np.asarray(predicted, dtype=np.float64), np.asarray(gold, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1 or len(x) < 2:
        raise ValueError(f"a correlation needs two or more numbers on both sides, found {x.shape} and {y.shape}")
    return x, y


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: NDArray[np.float64] = last - (counts - 1) / 2
    return means[inverse]
