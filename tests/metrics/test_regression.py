from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import f1_score, mean_squared_error

from korscideberta.metrics.multi_label import multi_label
from korscideberta.metrics.regression import correlations, pearson, spearman, threshold_f1

# Whole numbers, so that many are equal and ranks are shared.
NUMBERS = st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=2, max_size=40)


@given(NUMBERS)
def test_correlations_are_scipys(pairs):
    predicted, gold = map(np.array, zip(*pairs, strict=True))
    found = correlations(predicted, gold)
    assert found["rmse"] == pytest.approx(np.sqrt(mean_squared_error(gold, predicted)))
    if len(set(predicted)) == 1 or len(set(gold)) == 1:
        assert found["pearson"] == found["spearman"] == 0
        return
    assert found["pearson"] == pytest.approx(stats.pearsonr(predicted, gold).statistic, abs=1e-12)
    assert found["spearman"] == pytest.approx(stats.spearmanr(predicted, gold).statistic, abs=1e-12)


def test_correlation_of_too_little():
    with pytest.raises(ValueError, match="two or more"):
        pearson([1.0], [1.0])
    with pytest.raises(ValueError, match="two or more"):
        spearman([1.0, 2.0], [1.0])


def test_threshold_is_on_the_upper_side():
    assert threshold_f1([3.0, 2.9, 4.0, 1.0], [3.0, 3.0, 1.0, 1.0], 3.0) == pytest.approx(0.5)


@given(st.integers(1, 20), st.integers(2, 6), st.integers(0, 2**31))
def test_multi_label_is_scikit_learns(documents, labels, seed):
    random = np.random.default_rng(seed)
    shares, gold = random.random((documents, labels)), random.integers(0, 2, (documents, labels))
    found = multi_label(shares, gold)
    assert found["f1_micro"] == f1_score(gold.ravel(), shares.ravel() >= 0.5, zero_division=0)
    by_label = [f1_score(gold[:, i], shares[:, i] >= 0.5, zero_division=0) for i in range(labels)]
    assert found["f1_macro"] == pytest.approx(np.mean(by_label))
    assert found["exact_match"] == np.mean([list(a) == list(b) for a, b in zip(shares >= 0.5, gold, strict=True)])
