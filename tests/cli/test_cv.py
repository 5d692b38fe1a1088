from __future__ import annotations

import csv
import json
import os
import random
import signal

import pytest
from cli_calls import TINY, call
from kills import die_at_call, in_a_fork
from sklearn.metrics import accuracy_score, f1_score

from korscideberta.evaluation import crossval
from korscideberta.training import update
from korscideberta.training.signals import Interrupted

WORDS = {
    "과학": ["입자", "실험", "에너지", "파동", "양자", "가속기", "검출기", "산란", "붕괴", "질량"],
    "경제": ["금리", "시장", "수출", "기업", "물가", "환율", "소비", "투자", "고용", "예산"],
    "체육": ["경기", "득점", "우승", "선수", "감독", "공격", "수비", "결승", "심판", "훈련"],
}
COLUMNS = ("--text", "제목", "--label", "분야")
FOLDS = ("--folds", "2", "--group", "행사")
STEPS = ("--batch-size", "4", "--save-every", "2")


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    """Thirty documents, the last six of them copies; every two of the others were at the same event."""
    generator = random.Random(0)
    rows = []
    for number in range(24):
        label = list(WORDS)[number % 3]
        rows.append((" ".join(generator.choices(WORDS[label], k=7)), label, f"행사 {number // 6 * 3 + number % 3}"))
    rows += [(f"{text}.", label, f"다시 {number}") for number, (text, label, _) in enumerate(rows[:6])]
    path = tmp_path_factory.mktemp("cv") / "papers.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("제목", "분야", "행사"), *rows])
    return path


@pytest.fixture(scope="module")
def crossed(papers):
    out = papers.parent / "out"
    outcome = call("cv", "classify", "--data", papers, *COLUMNS, *FOLDS, *TINY, *STEPS, "--refit", "--out", out)
    assert outcome.code == 0, outcome.err
    assert "would have been tested with one of their group in the training rows" in outcome.err
    return out


def read(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_document_is_predicted_once_by_a_model_that_saw_none_of_its_group(crossed, papers):
    found = read(crossed / "predictions-oof.csv")
    assert [row["id"] for row in found] == [str(number) for number in range(1, 31)]
    assert [row["gold"] for row in found] == [row["분야"] for row in read(papers)]
    groups = {row["id"]: row for row in read(crossed / "groups.csv")}
    events = {row["document"]: row["행사"] for row in read(crossed / "data" / "fold-1.csv")}
    for number in range(1, 7):
        original, copy = groups[str(number)], groups[str(number + 24)]
        assert (original["near_duplicate"], copy["near_duplicate"]) == (copy["id"], original["id"])
        assert original["similarity"] == "1.0000"
    for fold in (1, 2):
        split_of = {row["document"]: row["split"] for row in read(crossed / "data" / f"fold-{fold}.csv")}
        splits: dict[str, set[str]] = {}
        for identity, split in split_of.items():
            splits.setdefault(groups[identity]["group"], set()).add(split)
            splits.setdefault(events[identity], set()).add(split)
        assert all(len(seen) == 1 for seen in splits.values())
        tested = {identity for identity, split in split_of.items() if split == "test"}
        assert tested == {identity for identity, row in groups.items() if row["fold"] == str(fold)}
        assert [row["id"] for row in read(crossed / f"fold-{fold}" / "predictions-test.csv")] == sorted(tested, key=int)


def test_figures_are_scikit_learns(crossed):
    found = read(crossed / "predictions-oof.csv")
    figures = json.loads((crossed / "metrics.json").read_text(encoding="utf-8"))["oof"]
    gold, best = [row["gold"] for row in found], [row["pred_1"] for row in found]
    assert figures["accuracy"] == pytest.approx(accuracy_score(gold, best))
    assert figures["f1_macro"] == pytest.approx(f1_score(gold, best, average="macro"))
    assert figures["mrr"] == pytest.approx(sum(1 / int(row["gold_rank"]) for row in found) / 30)
    assert figures["accuracy_low"] <= figures["accuracy"] <= figures["accuracy_high"]
    assert (figures["documents"], figures["groups"]) == (30, 12)


def test_a_fold_and_the_final_model_are_ordinary_runs(crossed):
    for run in ("fold-1", "final"):
        outcome = call("--quiet", "eval", crossed / run, "--json")
        assert outcome.code == 0, outcome.err
        stored = json.loads((crossed / run / "metrics.json").read_text(encoding="utf-8"))
        assert json.loads(outcome.out)["model"] == stored["test" if run == "fold-1" else "dev"]
    splits = [row["split"] for row in read(crossed / "data" / "final.csv")]
    assert set(splits) == {"train", "dev"}


def test_a_stopped_run_goes_on_to_the_same_result(crossed, papers, tmp_path, monkeypatch):
    arguments = ("cv", "classify", "--data", papers, *COLUMNS, *FOLDS, *TINY, *STEPS, "--out", tmp_path / "out")
    whole = crossval.fine_tune

    def stopping(task, source, choice, settings, run, **options):
        if run.path.name == "fold-2":
            raise Interrupted(1)
        return whole(task, source, choice, settings, run, **options)

    monkeypatch.setattr(crossval, "fine_tune", stopping)
    stopped = call(*arguments)
    assert stopped.code == 75
    assert "--resume" in stopped.err
    monkeypatch.setattr(crossval, "fine_tune", whole)
    other = call(*arguments, "--resume", "--fold-seed", "1")
    assert other.code == 2
    assert "fold_seed was 42, now 1" in other.err
    before = (tmp_path / "out" / "fold-1" / "metrics.json").stat().st_mtime_ns
    resumed = call(*arguments, "--resume")
    assert resumed.code == 0, resumed.err
    assert (tmp_path / "out" / "fold-1" / "metrics.json").stat().st_mtime_ns == before
    for name in ("predictions-oof.csv", "metrics.json", "groups.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (crossed / name).read_bytes()
    again = call(*arguments, "--resume")
    assert again.code == 0
    assert "finished already" in again.err


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_in_the_middle_of_a_fold(crossed, papers, tmp_path):
    out = tmp_path / "out"
    arguments = ("cv", "classify", "--data", papers, *COLUMNS, *FOLDS, *TINY, *STEPS, "--out", out)

    def killed():
        die_at_call(update.nn.utils, "clip_grad_norm_", 7)  # a fold has four updates
        return call(*arguments).code

    assert in_a_fork(killed) == signal.SIGKILL
    assert (out / "fold-1" / "metrics.json").is_file()
    assert [path.name for path in (out / "fold-2" / "checkpoints").iterdir()] == ["step-00000002"]
    resumed = call(*arguments, "--resume")
    assert resumed.code == 0, resumed.err
    for name in ("predictions-oof.csv", "metrics.json", "fold-2/model/model.safetensors"):
        assert (out / name).read_bytes() == (crossed / name).read_bytes()


def test_seeds_share_their_folds(papers, tmp_path):
    out = tmp_path / "out"
    outcome = call("cv", "classify", "--data", papers, *COLUMNS, *FOLDS, *TINY, "--seeds", "1", "2", "--out", out)
    assert outcome.code == 0, outcome.err
    each = [json.loads((out / f"seed-{seed}" / "metrics.json").read_text())["oof"]["mrr"] for seed in (1, 2)]
    figures = json.loads((out / "metrics.json").read_text())["oof"]
    assert figures["mrr"] == pytest.approx(sum(each) / 2)
    assert "mrr_sd" in figures
    assert [row["id"] for row in read(out / "seed-1" / "fold-1" / "predictions-test.csv")] == [
        row["id"] for row in read(out / "seed-2" / "fold-1" / "predictions-test.csv")
    ]
    assert "mrr" in outcome.out
    base = call("baseline", "--like", out, "--kind", "majority", "--out", tmp_path / "base")
    assert base.code == 0, base.err
    report = json.loads(call("--quiet", "compare", out, tmp_path / "base" / "majority", "--json").out)
    assert report["comparisons"][0]["mcnemar_p"] is None
    assert report["figures"][str(out)]["mrr"]["value"] == pytest.approx(figures["mrr"])


def test_baselines_on_the_same_folds_and_a_comparison(crossed, tmp_path):
    out = tmp_path / "base"
    outcome = call("baseline", "--like", crossed, "--out", out)
    assert outcome.code == 0, outcome.err
    for kind in ("majority", "tfidf-char", "tfidf-morph"):
        assert (out / kind / "groups.csv").read_bytes() == (crossed / "groups.csv").read_bytes()
        assert len(read(out / kind / "predictions-oof.csv")) == 30
    found = read(out / "tfidf-char" / "predictions-oof.csv")
    figures = json.loads((out / "tfidf-char" / "metrics.json").read_text())["oof"]
    right = accuracy_score([row["gold"] for row in found], [row["pred_1"] for row in found])
    assert figures["accuracy"] == pytest.approx(right)
    majority = json.loads((out / "majority" / "metrics.json").read_text())["oof"]
    assert all(majority[name] == majority[f"majority_{name}"] for name in ("accuracy", "f1_macro", "mrr"))
    assert "already exists" in call("baseline", "--like", crossed, "--out", out).err

    shown = call("--quiet", "compare", out / "tfidf-char", crossed, out / "majority", "--output", tmp_path / "c.json")
    assert shown.code == 0, shown.err
    assert "McNemar" in shown.out
    report = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    assert (report["metric"], report["groups"]) == ("accuracy", 12)
    assert report["figures"][str(out / "tfidf-char")]["accuracy"]["value"] == pytest.approx(right)
    for comparison in report["comparisons"]:
        assert comparison["verdict"] in shown.out
        assert "after correction for 2 comparisons" in comparison["verdict"]
    inner = call("compare", crossed, out)
    assert inner.code == 2
    assert "holds several runs" in inner.err


def test_audit_finds_the_wrong_label(papers, tmp_path):
    rows = read(papers)
    rows[4]["분야"] = "체육"  # of 경제
    wrong = tmp_path / "wrong.csv"
    with wrong.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows[:24])
    call("baseline", "classify", "--data", wrong, *COLUMNS, *FOLDS, "--kind", "tfidf-morph", "--out", tmp_path / "base")
    outcome = call("--quiet", "audit", tmp_path / "base" / "tfidf-morph", "--output", tmp_path / "suspects.csv")
    assert outcome.code == 0, outcome.err
    first = read(tmp_path / "suspects.csv")[0]
    assert (first["id"], first["given"], first["suggested"]) == ("5", "체육", "경제")
    assert first["text"] == rows[4]["제목"]
    assert first["origin"].endswith("wrong.csv:6")
    assert outcome.out.startswith("5: 체육")
    assert call("audit", tmp_path / "base" / "tfidf-morph", "--output", tmp_path / "a.xlsx").code == 0
    assert "must be .csv or .xlsx" in call("audit", tmp_path / "base" / "tfidf-morph", "--output", "a.txt").err


def test_baseline_on_given_splits(papers, crossed, tmp_path):
    outcome = call(
        "baseline", "classify", "--train", papers, "--test", papers, *COLUMNS, "--kind", "tfidf-char", "--out", tmp_path
    )
    assert outcome.code == 0, outcome.err
    assert len(read(tmp_path / "tfidf-char" / "predictions-test.csv")) == 30
    other = call("compare", crossed, tmp_path / "tfidf-char", "--split", "test")
    assert other.code == 2
    assert "predictions-test.csv: no such file" in other.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cv", "classify", *COLUMNS, "--folds", "40"), "--folds 40: must lie between 2 and the number of groups, 12"),
        (("cv", "classify", *COLUMNS, "--group", "학회"), "no column '학회'"),
        (("cv", "classify", *COLUMNS, "--threshold", "1.5"), "--threshold 1.5"),
        (("cv", "regress", *COLUMNS), "the task regress cannot be cross-validated"),
        (("cv", "classify", *COLUMNS, "--seeds", "1", "1"), "give different seeds"),
        (("baseline", "regress", *COLUMNS), "the task regress cannot be cross-validated"),
    ],
)
def test_faults_are_told_before_anything_is_written(arguments, message, papers, tmp_path):
    more = () if "--folds" in arguments or "--group" in arguments else ("--folds", "2")
    if "40" in arguments:
        more = ("--group", "행사")
    outcome = call(*arguments, *more, "--data", papers, "--out", tmp_path / "out")
    assert outcome.code == 2
    assert message in outcome.err
    assert not (tmp_path / "out").exists()


def test_rows_without_a_group_stand_alone(papers, tmp_path):
    table = tmp_path / "papers.csv"
    rows = read(papers)
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows([{**row, "행사": row["행사"] if number < 6 else ""} for number, row in enumerate(rows)])
    out = tmp_path / "base"
    arguments = ("--data", table, *COLUMNS, "--folds", "2", "--group", "행사", "--threshold", "0")
    assert call("baseline", "classify", *arguments, "--kind", "majority", "--out", out).code == 0
    groups = [row["group"] for row in read(out / "majority" / "groups.csv")]
    assert groups[0] == groups[3]
    assert len(set(groups)) == 3 + 24


def test_like_refuses_data_that_have_changed(crossed, papers, tmp_path):
    record = json.loads((crossed / "run.json").read_text(encoding="utf-8"))
    record["data"]["train"][0]["sha256"] = "0" * 64
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text(json.dumps(record), encoding="utf-8")
    outcome = call("baseline", "--like", tmp_path / "run", "--out", tmp_path / "base")
    assert outcome.code == 2
    assert "changed since the run" in outcome.err
