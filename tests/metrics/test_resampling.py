import numpy as np
import pytest
from scipy.stats import bootstrap, norm

from korscideberta.metrics.parts import Share
from korscideberta.metrics.resampling import bootstrap_intervals, interval, resampled_figures
from korscideberta.metrics.summary import PARTS, several_labels, single_label
from korscideberta.metrics.topk import outcomes, rank_labels

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


@pytest.mark.parametrize(("score", "most"), [(single_label, 1), (several_labels, 3)])
def test_weighing_the_documents_is_scoring_each_sample(score, most):
    generator = np.random.default_rng(5)
    scores = generator.random((60, 7))
    gold = [generator.permutation(7)[: 1 + i % most].tolist() for i in range(60)]
    parts = PARTS[score](outcomes(rank_labels(scores), gold, 2), 7)
    drawn = resampled_figures(parts, np.arange(60), resamples=40, seed=3)
    expected = bootstrap_intervals(
        lambda indices: score(scores[indices], [gold[i] for i in indices], 2), 60, resamples=40, seed=3
    )
    assert set(drawn) == set(expected)
    for name, figures in drawn.items():
        assert interval(figures) == pytest.approx(expected[name], abs=1e-12)


def test_documents_of_a_group_are_drawn_together():
    """Copies in tens tell no more than one of them: the interval is that of the tenth, not of all."""
    values = np.random.default_rng(0).random(40)
    part = {"mean": Share(np.repeat(values, 10))}
    together = resampled_figures(part, np.repeat(np.arange(40), 10), resamples=500)["mean"]
    assert together == pytest.approx(resampled_figures({"mean": Share(values)}, np.arange(40), resamples=500)["mean"])
    apart = resampled_figures(part, np.arange(400), resamples=500)["mean"]
    assert 2.5 < together.std() / apart.std() < 4


def test_groups_of_unequal_size_keep_the_ratio():
    part = {"share": Share(np.array([1.0, 1.0, 1.0, 0.0]))}
    drawn = resampled_figures(part, np.array([0, 0, 0, 1]), resamples=200)["share"]
    assert set(drawn.round(6)) == {0.0, 0.75, 1.0}
