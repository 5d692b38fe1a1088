"""Sets of labels that hold the right one as often as is asked for.

Shapes: N documents, C labels.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def conformal_threshold(gold_probabilities: ArrayLike, coverage: float) -> float:
    """Return the probability from which a label belongs into the set of a document.

    Of documents drawn as those given were, at least `coverage` have their gold label in the set; for that the model
    must not have been trained on these. 0, which takes every label in, when there are too few documents to tell.

    Args:
        gold_probabilities: (N,) probability of the gold label of each document held back.
        coverage: in (0, 1).

    Source: Sadinle, Lei & Wasserman 2019, Least ambiguous set-valued classifiers with bounded error levels.
    """
    probabilities = np.sort(np.asarray(gold_probabilities, dtype=np.float64))[::-1]
    if not 0 < coverage < 1:
        raise ValueError(f"coverage={coverage} must lie in (0, 1)")
    needed = math.ceil((len(probabilities) + 1) * coverage - 1e-9)
    return 0.0 if needed > len(probabilities) else float(probabilities[needed - 1])


def prediction_sets(probabilities: ArrayLike, threshold: float) -> list[NDArray[np.int64]]:
    """Return for each row of (N, C) probabilities the labels from the threshold on, best first; the best is always in.

    An empty set tells nobody anything; with the best label in it the coverage can only be higher.
    """
    probabilities_NC = np.asarray(probabilities, dtype=np.float64)
    order = np.argsort(-probabilities_NC, axis=1, kind="stable")
    counts = np.maximum(1, (probabilities_NC >= threshold).sum(axis=1))
    return [row[:count] for row, count in zip(order, counts.tolist(), strict=True)]
