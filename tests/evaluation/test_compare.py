from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from korscideberta import tasks
from korscideberta.data.examples import Example
from korscideberta.errors import ConfigError, ModelError
from korscideberta.evaluation.compare import compare, verdict
from korscideberta.evaluation.comparison_text import comparison_text
from korscideberta.metrics.comparison import Difference
from korscideberta.predictions import Predictions, write_predictions

LABELS = ("EE", "LA", "NC", "SA")


def write_run(path: Path, gold, predicted, *, task="classify", ids=None, groups=None, k=1) -> Path:
    """A run directory with predictions alone: of each document the label predicted, then the others in order."""
    path.mkdir()
    (path / "run.json").write_text(json.dumps({"task": task, "labels": LABELS}), encoding="utf-8")
    ids = ids or [str(number) for number in range(len(gold))]
    examples = [
        Example(id=one, text="", labels=tuple(labels.split("|"))) for one, labels in zip(ids, gold, strict=True)
    ]
    rankings = [[best, *(label for label in LABELS if label != best)][:k] for best in predicted]
    best = [[(label, 1 / (i + 2)) for i, label in enumerate(ranking)] for ranking in rankings]
    write_predictions(path / "predictions-oof.csv", examples, best)
    if groups is not None:
        lines = ["id,group", *(f"{identity},{group}" for identity, group in zip(ids, groups, strict=True))]
        (path / "groups.csv").write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def runs(tmp_path):
    """Sixty documents in thirty pairs: one run right on 50, one on 40 of them, one like the first."""
    generator = np.random.default_rng(0)
    gold = generator.choice(LABELS, 60).tolist()
    wrong = [LABELS[(LABELS.index(label) + 1) % 4] for label in gold]
    pairs = [number // 2 for number in range(60)]
    good = gold[:50] + wrong[50:]
    poor = gold[:30] + wrong[30:50] + gold[50:]
    order = generator.permutation(60)
    shuffled = write_run(
        tmp_path / "poor", [gold[i] for i in order], [poor[i] for i in order], ids=[str(i) for i in order]
    )
    return write_run(tmp_path / "good", gold, good, groups=pairs), shuffled, gold, good, poor


def test_the_paired_bootstrap_by_hand(runs):
    first, other, gold, good, poor = runs
    report = compare([first, other], resamples=100, seed=4)
    assert (report.documents, report.groups, report.metric) == (60, 30, "accuracy")
    generator = np.random.default_rng(4)
    drawn = []
    for _ in range(100):
        pairs = generator.integers(0, 30, 30)
        sample = np.concatenate([[2 * pair, 2 * pair + 1] for pair in pairs])
        truth = np.array(gold)[sample]
        drawn.append(
            [
                (np.array(good)[sample] == truth).mean() - (np.array(poor)[sample] == truth).mean(),
                f1_score(truth, np.array(good)[sample], average="macro")
                - f1_score(truth, np.array(poor)[sample], average="macro"),
                *(
                    f1_score(truth, np.array(good)[sample], average=None, labels=LABELS)
                    - f1_score(truth, np.array(poor)[sample], average=None, labels=LABELS)
                ),
            ]
        )
    drawn = np.array(drawn)
    (found,) = report.comparisons
    for column, name in ((0, "accuracy"), (1, "f1_macro")):
        assert (found.figures[name].low, found.figures[name].high) == pytest.approx(
            tuple(np.quantile(drawn[:, column], [0.025, 0.975]))
        )
    rarer = min((drawn[:, 0] <= 0).sum(), (drawn[:, 0] >= 0).sum())
    assert found.figures["accuracy"].p == found.corrected_p == pytest.approx(2 * (rarer + 1) / 101)
    assert (found.only_first, found.only_other) == (20, 10)
    for at, label in enumerate(LABELS):
        field = found.fields[label]
        assert field["support"] == gold.count(label)
        assert field["first"] == pytest.approx(f1_score(gold, good, average=None, labels=LABELS)[at])
        assert field["low"] == pytest.approx(np.quantile(drawn[:, 2 + at], 0.025), abs=1e-6)


def test_several_comparisons_are_corrected(runs, tmp_path):
    first, other, gold, good, _ = runs
    same = write_run(tmp_path / "same", gold, good)
    one, two = compare([first, other, same], resamples=300).comparisons
    alone = compare([first, other], resamples=300).comparisons[0]
    assert one.corrected_p == pytest.approx(min(1, 2 * alone.corrected_p))
    assert two.corrected_p == 1
    assert two.figures["accuracy"].value == 0
    text = comparison_text(compare([first, other, same], resamples=300))
    assert "60 documents in 30 groups" in text
    assert two.verdict in text
    json.dumps(compare([first, other], resamples=100).to_json(), allow_nan=False)


def test_papers_with_several_fields(tmp_path):
    gold = ["EE|LA", "LA", "NC|SA", "SA"] * 10
    first = write_run(tmp_path / "a", gold, ["LA", "LA", "SA", "SA"] * 10, task="papers", k=2)
    other = write_run(tmp_path / "b", gold, ["NC", "LA", "EE", "NC"] * 10, task="papers", k=2)
    report = compare([first, other], resamples=100)
    assert report.metric == "f1_micro"
    assert report.figures[str(first)]["f1_micro"][0] == 1
    assert report.comparisons[0].fields["EE"]["support"] == 10


MIDDLE = ("EE01", "EE02", "LA01", "NC01", "SA01")


@pytest.fixture
def of_levels(tmp_path):
    """Twelve papers by two runs of all levels, and by a run of the large fields alone."""
    gold = ["EE01|LA01", "EE02|EE01", "NC01", "SA01"] * 3
    task = tasks.with_fields(tasks.get("papers"), "all", None)
    examples = [Example(id=str(i), text="", labels=tuple(row.split("|"))) for i, row in enumerate(gold)]
    paths = []
    for seed in (0, 1):
        path = tmp_path / f"all-{seed}"
        path.mkdir()
        record = {"task": "papers", "labels": MIDDLE, "variant": {"level": "all"}}
        (path / "run.json").write_text(json.dumps(record), encoding="utf-8")
        shares = np.random.default_rng(seed).dirichlet(np.full(5, 0.3), 12)
        Predictions.ranked_by(shares, examples, MIDDLE, 2, task.levels_above(MIDDLE)).write(
            path / "predictions-oof.csv"
        )
        paths.append(path)
    above = ["|".join(dict.fromkeys(label[:2] for label in row.split("|"))) for row in gold]
    large = write_run(tmp_path / "large", above, ["EE", "EE", "LA", "SA"] * 3, task="papers", k=2)
    return (*paths, large)


def test_runs_of_all_levels(of_levels):
    one, two, _ = of_levels
    report = compare([one, two], resamples=100)
    assert report.level == "middle"
    assert {"f1_macro", "large_f1_macro", "hierarchical_f1"} <= set(report.comparisons[0].figures)
    large = compare([one, two], resamples=100, level="large").comparisons[0]
    assert large.figures["f1_macro"] == report.comparisons[0].figures["large_f1_macro"]
    assert list(large.fields) == ["EE", "LA", "NC", "SA"]


def test_a_run_of_all_levels_against_one_of_a_single_level(of_levels):
    one, _, alone = of_levels
    report = compare([one, alone], resamples=100)
    assert report.level == "large"
    assert ", large fields, k = 2" in comparison_text(report)
    true, predicted = [], []
    with (one / "predictions-oof.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            gold = [label[:2] for label in row["gold"].split("|")]
            named = [row["large_pred_1"], row["large_pred_2"]]
            match = next((label for label in named if label in gold), None)
            true.append(match or gold[0])
            predicted.append(match or named[0])
    wanted = f1_score(true, predicted, average="macro")
    assert report.figures[str(one)]["f1_macro"][0] == pytest.approx(wanted)
    assert report.comparisons[0].fields["EE"]["support"] == 6


def test_levels_that_cannot_be_compared(of_levels, runs, tmp_path):
    one, _, large = of_levels
    with pytest.raises(ConfigError, match=r"--level middle: not in .*large, it has predictions of large fields"):
        compare([one, large], level="middle")
    with pytest.raises(ConfigError, match=r"--level small: not in .*all-0, it has predictions of large and middle"):
        compare([one, large], level="small")
    with pytest.raises(ConfigError, match=r"--level large: not in .*good, its labels have no levels"):
        compare(runs[:2], level="large")
    record = {"task": "papers", "labels": MIDDLE, "variant": {"level": "middle"}}
    (one / "run.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"no level .*all-0 has middle fields; .*large has large fields"):
        compare([one, large])


def test_labels_of_a_level_that_are_not_the_runs_own(of_levels):
    one, two, _ = of_levels
    path = one / "predictions-oof.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",NC,", ",OB,"), encoding="utf-8")
    with pytest.raises(ModelError, match=r"predictions-oof.csv: unknown large label 'OB'"):
        compare([one, two], level="large")


def test_runs_on_other_documents_are_refused(runs, tmp_path):
    first, _, gold, good, _ = runs
    fewer = write_run(tmp_path / "fewer", gold[:59], good[:59])
    with pytest.raises(ModelError, match=r"fewer/predictions-oof.csv has no '59', which .*good"):
        compare([first, fewer])
    with pytest.raises(ModelError, match=r"fewer/predictions-oof.csv has no '59', which .*good"):
        compare([fewer, first])
    changed = write_run(tmp_path / "changed", [*gold[:7], "EE|LA", *gold[8:]], good)
    with pytest.raises(
        ModelError, match=rf"not the same gold labels: '7' is {gold[7]} in .*good.*, EE\|LA in .*changed"
    ):
        compare([first, changed])


def test_options_that_cannot_be(runs, tmp_path):
    first, other, *_ = runs
    with pytest.raises(ConfigError, match="two or more runs"):
        compare([first])
    with pytest.raises(ConfigError, match="given twice"):
        compare([first, first])
    with pytest.raises(ConfigError, match="--metric f1_micro: did you mean 'f1_macro'"):
        compare([first, other], metric="f1_micro")
    groups = tmp_path / "groups.csv"
    groups.write_text("id,group\n0,1\n", encoding="utf-8")
    with pytest.raises(ModelError, match=r"groups.csv: no group for document '1'"):
        compare([first, other], groups=groups)


@pytest.mark.parametrize(
    ("difference", "p", "better"),
    [
        (Difference(0.02, 0.01, 0.03, 0.001), 0.001, "a does better than b"),
        (Difference(-0.02, -0.03, -0.01, 0.001), 0.001, "b does better than a"),
        (Difference(0.02, -0.001, 0.04, 0.06), 0.06, None),
        (Difference(0.02, 0.0, 0.04, 0.05), 0.049, None),
        (Difference(0.02, 0.001, 0.04, 0.04), 0.08, None),
        (Difference(0.0, 0.0, 0.0, 1.0), 1.0, None),
    ],
)
def test_the_verdict_claims_no_more_than_interval_and_p_allow(difference, p, better):
    values = (0.8, 0.8 - difference.value)
    text = verdict("a", "b", "accuracy", values, difference, p, comparisons=1, single_runs=True)
    assert ("does better" in text) == (better is not None)
    assert (better or "No difference between a and b is shown") in text
    if better == "b does better than a":
        assert "0.8200 against 0.8000 (difference +0.0200, 95 % interval +0.0100 to +0.0300" in text
    else:
        assert f"{difference.low:+.4f} to {difference.high:+.4f}" in text
    assert "another seed" in text
