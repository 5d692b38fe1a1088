from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from korscideberta.metrics.calibration import calibration_error, equal_mass_bins


def test_bins_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    confidence = random.random(1500)
    correct = random.random(1500) < confidence**2
    share, mean = calibration_curve(correct, confidence, n_bins=15, strategy="quantile")
    found = equal_mass_bins(confidence, correct)
    assert [one.documents for one in found] == [100] * 15
    np.testing.assert_allclose([one.accuracy for one in found], share)
    np.testing.assert_allclose([one.confidence for one in found], mean)
    assert calibration_error(confidence, correct) == pytest.approx(np.abs(share - mean).mean())


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60), st.integers(1, 20))
def test_no_document_is_lost_and_the_error_is_bounded(pairs, bins):
    confidence, correct = zip(*pairs, strict=True)
    found = equal_mass_bins(confidence, correct, bins)
    assert sum(one.documents for one in found) == len(pairs)
    assert max(one.documents for one in found) - min(one.documents for one in found) <= 1
    # The mean difference of all is no larger than that of the bins, and both are no larger than 1.
    overall = abs(np.mean(confidence) - np.mean(correct))
    assert overall - 1e-9 <= calibration_error(confidence, correct, bins) <= 1


@pytest.mark.parametrize(("confidence", "correct", "bins"), [([], [], 15), ([0.5], [1, 0], 15), ([0.5], [1], 0)])
def test_what_cannot_be_binned_is_refused(confidence, correct, bins):
    with pytest.raises(ValueError, match="nothing to calibrate"):
        equal_mass_bins(confidence, correct, bins)
