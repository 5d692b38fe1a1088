from __future__ import annotations

import csv

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from korscideberta.metrics.label_issues import label_issues


def issues_of(given, shares, k=3):
    order = np.argsort(-shares, axis=1, kind="stable")[:, :k]
    rows = np.arange(len(given))
    return label_issues(given, shares[rows, given], order, np.take_along_axis(shares, order, axis=1), shares.shape[1])


def test_by_hand():
    """Label 1 is given unwillingly: 0.45 is much for it, while 0.55 is little for label 0."""
    shares = np.array([[0.9, 0.1], [0.55, 0.45], [0.9, 0.1], [0.7, 0.3], [0.6, 0.4]])
    found = issues_of(np.array([0, 0, 0, 1, 1]), shares, k=2)
    # Means of the given label: 0: (0.9 + 0.55 + 0.9) / 3 = 0.783; 1: (0.3 + 0.4) / 2 = 0.35.
    assert [(one.document, one.suggested) for one in found] == [(1, 1)]
    assert found[0].margin == pytest.approx(0.1)


def test_nothing_is_wrong_with_sure_labels():
    shares = np.eye(3)[[0, 1, 2, 0]]
    assert issues_of(np.array([0, 1, 2, 0]), shares) == []


def test_planted_noise_is_recovered(shared):
    """Five in a hundred of 2,000 headlines get another topic; of the hundred likeliest issues half are these."""
    with (shared / "data" / "ynat" / "train.csv").open(encoding="utf-8") as stream:
        rows = [row for _, row in zip(range(2000), csv.DictReader(stream), strict=False)]
    features = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 2), min_df=2).fit_transform(
        [row["title"] for row in rows]
    )
    topics, given = np.unique([row["topic"] for row in rows], return_inverse=True)
    generator = np.random.default_rng(0)
    noisy = generator.choice(2000, 100, replace=False)
    given[noisy] = (given[noisy] + generator.integers(1, len(topics), 100)) % len(topics)
    shares = cross_val_predict(LogisticRegression(C=8, max_iter=200), features, given, cv=5, method="predict_proba")
    found = issues_of(given, shares)
    assert len(found) >= 100
    top = {one.document for one in found[:100]}
    assert len(top & set(noisy.tolist())) / 100 >= 0.5
