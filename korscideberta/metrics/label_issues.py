"""Which gold labels are likely wrong, told by probabilities of models that were not trained on their documents.

Shapes: N documents, C labels, k best-ranked labels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class LabelIssue(NamedTuple):
    """A document whose gold label is likely wrong."""

    document: int
    suggested: int
    """The label that is likely right."""
    probability: float
    """Of the suggested label."""
    margin: float
    """Probability of the given label minus that of the suggested one: the lower, the likelier it is wrong."""


def label_issues(
    given: NDArray[np.int64],
    given_probability: NDArray[np.float64],
    ranked: NDArray[np.int64],
    probability: NDArray[np.float64],
    num_labels: int,
) -> list[LabelIssue]:
    """Return the documents that confident learning counts to another label than their own, the likeliest first.

    A label counts for a document when its probability reaches the mean that it has among the documents given it; of
    several that count the likeliest is taken. So a label that models give unwillingly is not taken for noise wherever
    it is rare.

    Args:
        given: (N,) gold label.
        given_probability: (N,) its probability.
        ranked: (N, k) the best-ranked labels.
        probability: (N, k) their probabilities, falling.
        num_labels: C.

    Source: Northcutt, Jiang & Chuang 2021 (arXiv 1911.00068), confident joint and normalised margin.
    """
    counts = np.bincount(given, minlength=num_labels)
    sums = np.bincount(given, given_probability, num_labels)
    usual = np.divide(sums, counts, out=np.full(num_labels, np.inf), where=counts > 0)
    counted = (probability >= usual[ranked]) & (probability > 0) & (ranked != given[:, None])
    place = counted.argmax(axis=1)
    rows = np.arange(len(given))
    likeliest = probability[rows, place]
    own = np.where(given_probability >= usual[given], given_probability, -np.inf)
    found = np.flatnonzero(counted.any(axis=1) & (likeliest > own))
    issues = [
        LabelIssue(int(i), int(ranked[i, place[i]]), float(likeliest[i]), float(given_probability[i] - likeliest[i]))
        for i in found
    ]
    return sorted(issues, key=lambda issue: (issue.margin, issue.document))
