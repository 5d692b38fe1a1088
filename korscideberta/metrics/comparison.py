"""Whether two systems, tested on the same documents, differ by more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from korscideberta.metrics.resampling import interval


@dataclass(frozen=True)
class Difference:
    """A difference of two figures with its 95 % interval and the two-sided p-value of the paired bootstrap."""

    value: float
    low: float
    high: float
    p: float


def paired_difference(value: float, drawn: NDArray[np.float64]) -> Difference:
    """Describe a difference by its resamples: both systems' figures on the same samples, subtracted.

    p is twice the share of resamples on the rarer side of zero, zero counting to both; the sample itself counts as one
    resample more, so that p is never 0.

    Source: Efron & Tibshirani 1993, An introduction to the bootstrap, chapters 13 and 16; Davison & Hinkley 1997, 4.2.
    """
    rarer = min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
    low, high = interval(drawn)
    return Difference(value, low, high, min(1.0, 2 * (rarer + 1) / (len(drawn) + 1)))


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p-value of McNemar's test.

    Args:
        only_first: documents that the first system alone has right.
        only_second: documents that the second alone has right.

    It is that of a binomial test with a chance of one half; as that is symmetric, twice the smaller tail. Computed for
    any count, so that no approximation is needed for large ones.

    Source: McNemar 1947, Note on the sampling error of the difference between correlated proportions.
    """
    trials, fewer = only_first + only_second, min(only_first, only_second)
    if 2 * fewer >= trials:
        return 1.0
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, trials + 1)))])
    counts = np.arange(fewer + 1)
    logs = log_factorial[trials] - log_factorial[counts] - log_factorial[trials - counts] - trials * np.log(2)
    return float(min(1.0, 2 * np.exp(logs).sum()))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for being several, by Holm's step-down method.

    Source: Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected
