"""Whether confidence means what it says.

Shapes: N documents, C labels.
"""

from __future__ import annotations

from collections.abc import Sequence
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


def fit_temperature(logits: ArrayLike, gold: Sequence[Sequence[int]]) -> float:
    """Return the number that logits must be divided by for the likelihood of the gold labels to be highest.

    Several gold labels of a document share its weight. The likelihood is concave in 1 / temperature, so that the zero
    of its slope is found by halving; the answer lies between 1/100 and 100.

    Args:
        logits: (N, C), best those of documents that the model was not trained on.
        gold: for each document its gold labels.

    Source: Guo et al. 2017 (arXiv 1706.04599), section 4.2.
    """
    logits_NC = np.asarray(logits, dtype=np.float64)
    of_gold = np.array([row[list(labels)].mean() for row, labels in zip(logits_NC, gold, strict=True)])
    low, high = np.log(1e-2), np.log(1e2)
    for _ in range(60):
        middle = (low + high) / 2
        scaled = np.exp(middle) * logits_NC
        shares = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        expected = (shares * logits_NC).sum(axis=1) / shares.sum(axis=1)
        low, high = (middle, high) if (of_gold - expected).mean() > 0 else (low, middle)
    return float(np.exp(-middle))


def selective_accuracy(confidence: ArrayLike, correct: ArrayLike, shares: Sequence[float]) -> list[float]:
    """Return the accuracy among that share of the documents of which the model is surest, for each of `shares`.

    Source: El-Yaniv & Wiener 2010, On the foundations of noise-free selective classification.
    """
    sure, right = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    found = np.cumsum(right[np.argsort(-sure, kind="stable")])
    counts = [max(1, round(share * len(sure))) for share in shares]
    return [float(found[count - 1] / count) for count in counts]
