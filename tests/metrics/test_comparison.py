from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from korscideberta.metrics.comparison import holm, mcnemar, paired_difference


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_mcnemar_is_the_binomial_test(first, second):
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        # R: p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm") and others
        ([0.01, 0.02, 0.03, 0.04, 0.05], [0.05, 0.08, 0.09, 0.09, 0.09]),
        ([0.04, 0.001, 0.6], [0.08, 0.003, 0.6]),
        ([0.9, 0.8], [1.0, 1.0]),
        ([0.02], [0.02]),
        ([], []),
    ],
)
def test_holm_is_that_of_r(p_values, expected):
    assert holm(p_values) == pytest.approx(expected)


def test_a_difference_of_normal_resamples():
    drawn = np.random.default_rng(0).normal(0.02, 0.01, 100_000)
    found = paired_difference(0.02, drawn)
    assert found.low == pytest.approx(0.02 - 1.96 * 0.01, abs=2e-4)
    assert found.high == pytest.approx(0.02 + 1.96 * 0.01, abs=2e-4)
    assert found.p == pytest.approx(2 * norm.sf(2), abs=2e-3)
    assert paired_difference(-0.02, -drawn).p == found.p


def test_equal_systems_and_the_least_p():
    assert paired_difference(0.0, np.zeros(100)).p == 1
    assert paired_difference(1.0, np.ones(99)).p == 2 / 100
