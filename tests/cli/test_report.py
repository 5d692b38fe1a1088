from __future__ import annotations

import json
import re
import shutil

import pytest
from cli_calls import TINY, TOPICS, call

from korscideberta.evaluation.report.repeat import command, command_line


@pytest.fixture(scope="module")
def own(trained, tmp_path_factory):
    """A copy of the finished run, so that no other test meets the report in it."""
    folder = tmp_path_factory.mktemp("report") / "run"
    shutil.copytree(trained, folder)
    return folder


def test_a_run_is_reported_with_its_errors(own):
    outcome = call("report", own, "--device", "cpu", "--language", "en")
    assert outcome.code == 0, outcome.err
    assert outcome.out.split()[0] == str(own / "report.html")
    text = (own / "report.html").read_text(encoding="utf-8")
    wrong = [
        row
        for row in (own / "predictions-dev.csv").read_text(encoding="utf-8").splitlines()[1:]
        if row.split(",")[1] != row.split(",")[2]
    ]
    assert wrong
    assert text.count('<p class="text"') == min(20, len(wrong))
    assert re.search(r'<mark class="(for|against) w3"', text.split("<ol", 1)[1])
    assert "Accuracy by number of tokens" in text
    assert str(own) not in text


def test_texts_are_left_out_when_none_are_asked_for(own, tmp_path):
    outcome = call("report", own, "--out", tmp_path / "bare.html", "--examples", "0")
    assert outcome.code == 0, outcome.err
    bare = (tmp_path / "bare.html").read_text(encoding="utf-8")
    assert not any(text in bare for text in TOPICS.values())
    plain = call(
        "report", own, "--out", tmp_path / "plain.html", "--examples", "2", "--no-attribution", "--device", "cpu"
    )
    assert plain.code == 0, plain.err
    text = (tmp_path / "plain.html").read_text(encoding="utf-8")
    assert text.count('<p class="text"') == 2
    assert "<mark" not in text


def test_without_the_data_the_report_goes_without_texts(own, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(own, moved)
    record = json.loads((moved / "run.json").read_text())
    entry = record["data"]["train"][0]
    for change, message in (
        ({"file": str(tmp_path / "gone.csv")}, "no longer there"),
        ({"sha256": "0" * 64}, "has changed"),
    ):
        record["data"]["train"] = [{**entry, **change}]
        (moved / "run.json").write_text(json.dumps(record))
        outcome = call("report", moved, "--out", tmp_path / "report.html", "--language", "en")
        assert outcome.code == 0, outcome.err
        assert message in outcome.err
        assert "The texts could not be read" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def divided(tmp_path_factory):
    """A cross-validation in two folds and a baseline on the same, of rows among which are near-duplicates."""
    root = tmp_path_factory.mktemp("divided")
    lines = ["제목,분야"]
    for number, (label, text) in enumerate(list(TOPICS.items()) * 8):
        lines.append(f"{text} {str(number % 10) * 12},{label}")
    (root / "papers.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    columns = ("--data", root / "papers.csv", "--text", "제목", "--label", "분야", "--folds", "2", "--threshold", "0.9")
    outcome = call("cv", "classify", *columns, *TINY, "--out", root / "cv")
    assert outcome.code == 0, outcome.err
    outcome = call("baseline", "--like", root / "cv", "--kind", "tfidf-char", "--out", root / "baseline")
    assert outcome.code == 0, outcome.err
    return root


def test_a_cross_validation_is_reported_beside_a_baseline(divided):
    outcome = call("report", divided / "cv", divided / "baseline" / "tfidf-char", "--language", "en", "--device", "cpu")
    assert outcome.code == 0, outcome.err
    text = (divided / "cv" / "report.html").read_text(encoding="utf-8")
    figures = json.loads((divided / "cv" / "metrics.json").read_text())["oof"]
    assert f"{figures['accuracy_low']:.3f} – {figures['accuracy_high']:.3f}" in text
    for shown in ("fold-1", "fold-2", "Cross-validation", "Accuracy by number of tokens", "Comparison of the runs"):
        assert shown in text
    assert "not tested on the same documents" not in text
    wrong = [
        line.split(",") for line in (divided / "cv" / "predictions-oof.csv").read_text(encoding="utf-8").splitlines()
    ]
    assert text.count('<p class="text"') == min(20, sum(row[1] != row[2] for row in wrong[1:]))
    assert "A baseline: there is no model to ask." in text
    assert str(divided) not in text


def test_the_commands_shown_repeat_cross_validation_and_baseline(divided, tmp_path):
    for folder, out in (
        (divided / "cv", tmp_path / "cv"),
        (divided / "baseline" / "tfidf-char", tmp_path / "baseline"),
    ):
        record = json.loads((folder / "run.json").read_text())
        outcome = call(*command(record, out=str(out), whole_paths=True)[1:])
        assert outcome.code == 0, outcome.err
    assert (tmp_path / "cv" / "metrics.json").read_bytes() == (divided / "cv" / "metrics.json").read_bytes()
    again = tmp_path / "baseline" / "tfidf-char" / "metrics.json"
    assert again.read_bytes() == (divided / "baseline" / "tfidf-char" / "metrics.json").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--language", "kr"], "known: en, ko"),
        (["--split", "test"], "--split test"),
        (["--examples", "-1"], "must not be negative"),
    ],
)
def test_bad_options_are_one_line(own, arguments, message):
    outcome = call("report", own, *arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_the_command_shown_repeats_the_run(trained, tmp_path):
    record = json.loads((trained / "run.json").read_text())
    words = command(record, out=str(tmp_path / "again"), whole_paths=True)
    assert words[:2] == ["korsci", "train"]
    outcome = call(*words[1:])
    assert outcome.code == 0, outcome.err
    again = json.loads((tmp_path / "again" / "run.json").read_text())
    assert again == record
    assert (tmp_path / "again" / "metrics.json").read_bytes() == (trained / "metrics.json").read_bytes()


def test_the_command_shown_names_every_setting_but_no_folder(table, tmp_path):
    weights = tmp_path / "weights.csv"
    weights.write_text("label,weight\n" + "".join(f"{label},2\n" for label in TOPICS), encoding="utf-8")
    arguments = ("--train", table, "--text", "제목", "--label", "분야", *TINY, "--class-weights", weights)
    more = ("--loss", "focal", "--label-smoothing", "0.1", "--freeze", "embeddings", "--gradient-checkpointing")
    outcome = call("train", "classify", *arguments, *more, "--out", tmp_path / "run")
    assert outcome.code == 0, outcome.err
    line = command_line(command(json.loads((tmp_path / "run" / "run.json").read_text()), out="DIR"))
    assert "--class-weights weights.csv" in line
    for option in (
        "--loss focal",
        "--label-smoothing 0.1",
        "--freeze embeddings",
        "--gradient-checkpointing",
        "--text '제목'",
    ):
        assert option in line
    assert str(tmp_path) not in line
    assert "/" not in line
