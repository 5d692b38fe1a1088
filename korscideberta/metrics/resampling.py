"""How far a figure could lie elsewhere by the chance of which documents were tested."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from korscideberta.metrics.parts import Part, Weights

RESAMPLES = 2000


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
    _check(documents, resamples, level)
    generator = np.random.default_rng(seed)
    drawn = [score(generator.integers(0, documents, documents)) for _ in range(resamples)]
    return {name: interval(np.array([figures[name] for figures in drawn]), level) for name in drawn[0]}


def resampled_figures(
    parts: Mapping[str, Part], groups: NDArray[np.int64], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, NDArray[np.float64]]:
    """Return each figure (resamples,) of samples of groups, whose documents are drawn together.

    Args:
        parts: figures as functions of the documents' weights.
        groups: (N,) group numbers; without groups `np.arange(N)`, whose samples are those of `bootstrap_intervals`.
        resamples: how many samples are drawn; each has as many groups as there are.
        seed: equal seeds and groups draw equal samples, so that figures of two systems can be subtracted.

    Source: Field & Welsh 2007, Bootstrapping clustered data.
    """
    weighings = resampled_weights(groups, resamples, seed)
    drawn = [[part.value(weights) for part in parts.values()] for weights in weighings]
    return dict(zip(parts, np.array(drawn).T, strict=True))


def resampled_weights(groups: NDArray[np.int64], resamples: int, seed: int) -> Iterator[Weights]:
    """Yield how often each of N documents was drawn into a sample, groups being drawn whole."""
    _check(len(groups), resamples, 0.5)
    count = int(groups.max()) + 1
    generator = np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.bincount(generator.integers(0, count, count), minlength=count)[groups].astype(np.float64)


def interval(drawn: NDArray[np.float64], level: float = 0.95) -> tuple[float, float]:
    """Return the percentile interval of a figure's resamples."""
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


def _check(documents: int, resamples: int, level: float) -> None:
    if documents < 1 or resamples < 1 or not 0 < level < 1:
        raise ValueError(f"nothing to resample: documents={documents}, resamples={resamples}, level={level}")
