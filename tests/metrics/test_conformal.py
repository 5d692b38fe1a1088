from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from korscideberta.metrics.calibration import calibration_error, fit_temperature, selective_accuracy
from korscideberta.metrics.conformal import conformal_threshold, prediction_sets


@given(st.integers(0, 10_000), st.floats(0.3, 0.97))
@settings(max_examples=10)
def test_sets_of_exchangeable_documents_cover_what_was_asked(seed, coverage):
    """Logits need not mean anything for that."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2, (4000, 6))
    gold = (logits[:, ::-1] + generator.gumbel(size=logits.shape)).argmax(axis=1)
    shares = softmax(logits, axis=1)
    of_gold = shares[np.arange(4000), gold]
    threshold = conformal_threshold(of_gold[:2000], coverage)
    sets = prediction_sets(shares[2000:], threshold)
    held = np.mean([label in row for label, row in zip(gold[2000:].tolist(), sets, strict=True)])
    assert held > coverage - 0.05


def test_the_threshold_is_the_order_statistic():
    of_gold = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
    assert conformal_threshold(of_gold, 0.5) == 0.5
    assert conformal_threshold(of_gold, 0.9) == 0.1
    assert conformal_threshold(of_gold, 0.91) == 0
    assert [row.tolist() for row in prediction_sets([[0.2, 0.5, 0.3], [0.2, 0.2, 0.6], [0.3, 0.4, 0.3]], 0.25)] == [
        [1, 2],
        [2],
        [1, 0, 2],
    ]
    assert [row.tolist() for row in prediction_sets([[0.2, 0.5, 0.3]], 0.9)] == [[1]]
    with pytest.raises(ValueError, match="coverage=1"):
        conformal_threshold(of_gold, 1)


def test_coverage_on_headlines_held_back(shared):
    """Fitted on 1,500 headlines, calibrated on 1,000, tested on 2,000 others."""
    with (shared / "data" / "ynat" / "train.csv").open(encoding="utf-8") as stream:
        rows = [row for _, row in zip(range(4500), csv.DictReader(stream), strict=False)]
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 2), min_df=2)
    features = vectorizer.fit_transform([row["title"] for row in rows])
    topics = [row["topic"] for row in rows]
    model = LogisticRegression(C=8, max_iter=200).fit(features[:1500], topics[:1500])
    shares = model.predict_proba(features[1500:])
    gold = np.array([list(model.classes_).index(topic) for topic in topics[1500:]])
    of_gold = shares[np.arange(3000), gold]
    for coverage in (0.8, 0.9, 0.95):
        sets = prediction_sets(shares[1000:], conformal_threshold(of_gold[:1000], coverage))
        held = np.mean([label in row for label, row in zip(gold[1000:].tolist(), sets, strict=True)])
        assert held == pytest.approx(coverage, abs=0.02)
    logits = np.log(shares)
    temperature = fit_temperature(3 * logits[:1000], [(label,) for label in gold[:1000]])
    right = shares[1000:].argmax(axis=1) == gold[1000:]
    before = calibration_error(softmax(3 * logits[1000:], axis=1).max(axis=1), right)
    after = calibration_error(softmax(3 * logits[1000:] / temperature, axis=1).max(axis=1), right)
    assert after < 0.05 < before


@given(st.integers(0, 1000), st.floats(0.2, 5))
@settings(max_examples=10)
def test_the_temperature_is_the_minimum_of_the_loss(seed, factor):
    generator = np.random.default_rng(seed)
    logits = factor * generator.normal(0, 1.5, (300, 4))
    gold = (logits / factor + generator.gumbel(size=logits.shape)).argmax(axis=1)

    def loss(log_temperature):
        return -log_softmax(logits / np.exp(log_temperature), axis=1)[np.arange(300), gold].mean()

    best = minimize_scalar(loss, bounds=(np.log(1e-2), np.log(1e2)), method="bounded").x
    found = fit_temperature(logits, [(label,) for label in gold])
    assert loss(np.log(found)) <= loss(best) + 1e-9


def test_accuracy_among_the_surest():
    sure, right = [0.9, 0.2, 0.8, 0.5], [True, False, True, False]
    assert selective_accuracy(sure, right, [1.0, 0.75, 0.5, 0.01]) == [0.5, 2 / 3, 1.0, 1.0]
