"""How far a figure could lie elsewhere by the chance of which documents were tested."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def bootstrap_intervals(
    score: Callable[[NDArray[np.int64]], dict[str, float]],
    documents: int,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Return the percentile bootstrap interval of each figure.

    Args:
        score: gives the figures of a sample of documents, by their indices, which can repeat.
        documents: how many there are; each sample has as many.
        resamples: how many samples are drawn.
        level: share of the samples inside the interval.
        seed: equal seeds draw equal samples.

    Raises:
        ValueError: no documents, no resamples, or a level outside (0, 1).

    Source: Efron 1979, Bootstrap methods: another look at the jackknife.
    """
    if documents < 1 or resamples < 1 or not 0 < level < 1:
        raise ValueError(f"nothing to resample: documents={documents}, resamples={resamples}, level={level}")
    generator = np.random.default_rng(seed)
    drawn = [score(generator.integers(0, documents, documents)) for _ in range(resamples)]
    tail = (1 - level) / 2
    intervals = {}
    for name in drawn[0]:
        low, high = np.quantile([figures[name] for figures in drawn], [tail, 1 - tail])
        intervals[name] = (float(low), float(high))
    return intervals
