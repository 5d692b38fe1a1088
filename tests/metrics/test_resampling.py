import numpy as np
import pytest
from scipy.stats import bootstrap, norm

from korscideberta.metrics.resampling import bootstrap_intervals

VALUES = np.random.default_rng(3).random(200)


def mean_of(indices):
    return {"mean": float(VALUES[indices].mean())}


def test_agrees_with_scipy_and_with_the_normal_limit():
    low, high = bootstrap_intervals(mean_of, len(VALUES), resamples=4000)["mean"]
    theirs = bootstrap((VALUES,), np.mean, n_resamples=4000, method="percentile", rng=1).confidence_interval
    half = norm.ppf(0.975) * VALUES.std() / len(VALUES) ** 0.5
    for found, other, limit in ((low, theirs.low, VALUES.mean() - half), (high, theirs.high, VALUES.mean() + half)):
        assert found == pytest.approx(other, abs=0.004)
        assert found == pytest.approx(limit, abs=0.004)


def test_the_level_and_the_seed_count():
    wide = bootstrap_intervals(mean_of, 200, resamples=300)["mean"]
    narrow = bootstrap_intervals(mean_of, 200, resamples=300, level=0.5)["mean"]
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    assert bootstrap_intervals(mean_of, 200, resamples=300)["mean"] == wide
    assert bootstrap_intervals(mean_of, 200, resamples=300, seed=1)["mean"] != wide


def test_a_figure_without_chance_has_an_interval_without_width():
    assert bootstrap_intervals(lambda indices: {"all": 1.0}, 5, resamples=10) == {"all": (1.0, 1.0)}


@pytest.mark.parametrize("options", [{"documents": 0}, {"resamples": 0}, {"level": 1.0}, {"level": 0.0}])
def test_nothing_to_resample(options):
    with pytest.raises(ValueError, match="nothing to resample"):
        bootstrap_intervals(mean_of, **{"documents": 5, **options})
