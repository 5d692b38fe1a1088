from __future__ import annotations

import csv
import json
import math

import pytest
from cli_calls import TINY, TOPICS, call, write_table

from korscideberta.data.readers import read_table
from korscideberta.data.spreadsheets import write_sheet


def columns(*more):
    return ("--text", "제목", "--label", "분야", *TINY, *more)


def test_run_directory(trained):
    record = json.loads((trained / "run.json").read_text(encoding="utf-8"))
    assert record["task"] == "classify"
    assert record["labels"] == sorted(TOPICS)
    assert record["settings"]["learning_rate"] == 5e-4
    assert len(record["data"]["train"][0]["sha256"]) == 64
    assert record["tokenizer"]["engine"] == "mecab"
    config = json.loads((trained / "model" / "config.json").read_text(encoding="utf-8"))
    assert list(config["id2label"].values()) == sorted(TOPICS)
    for name in ("model.safetensors", "spm.model", "tokenizer_config.json"):
        assert (trained / "model" / name).is_file()
    figures = json.loads((trained / "metrics.json").read_text())
    assert set(figures) == {"dev"}
    assert figures["dev"]["documents"] == 24
    with (trained / "predictions-dev.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    names = ["id", "gold", "pred_1", "pred_2", "pred_3", "prob_1", "prob_2", "prob_3", "gold_rank", "gold_prob"]
    assert list(rows[0]) == names
    assert [row["gold"] for row in rows[:3]] == list(TOPICS)
    assert sum(float(rows[0][f"prob_{i}"]) for i in (1, 2, 3)) == pytest.approx(1, abs=1e-4)
    assert not list(trained.rglob("*.tmp"))


def test_the_same_command_gives_the_same_figures(trained, table, tmp_path):
    outcome = call("train", "classify", "--train", table, "--dev", table, *columns("--out", tmp_path / "again"))
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "again" / "metrics.json").read_bytes() == (trained / "metrics.json").read_bytes()
    assert "24 encoded examples read from" in outcome.err


def test_the_model_is_the_same_without_the_cache(trained, table, tmp_path, cache):
    entries = sorted(cache.iterdir())
    arguments = ("--train", table, "--dev", table, "--no-cache")
    outcome = call("train", "classify", *arguments, *columns("--out", tmp_path / "again"))
    assert outcome.code == 0, outcome.err
    assert "encoded examples" not in outcome.err
    assert sorted(cache.iterdir()) == entries
    for name in ("model/model.safetensors", "metrics.json", "predictions-dev.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (trained / name).read_bytes()


def test_config_repeats_a_run(trained, tmp_path):
    outcome = call("train", "classify", "--config", trained / "run.json", "--out", tmp_path / "again")
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "again" / "metrics.json").read_bytes() == (trained / "metrics.json").read_bytes()


def test_resume_of_a_finished_run_changes_nothing(trained, table):
    before = (trained / "metrics.json").read_bytes()
    arguments = ("train", "classify", "--train", table, "--dev", table, *columns("--out", trained))
    outcome = call(*arguments, "--resume")
    assert outcome.code == 0, outcome.err
    assert (trained / "metrics.json").read_bytes() == before
    other = call(*arguments, "--resume", "--seed", "7")
    assert other.code == 2
    assert "seed was 42, now 7" in other.err


def test_without_dev_a_tenth_is_held_back(table, tmp_path):
    outcome = call("train", "classify", "--train", table, *columns("--out", tmp_path / "run"))
    assert outcome.code == 0, outcome.err
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["dev"]["documents"] == 2
    scored = call("--quiet", "eval", tmp_path / "run", "--json", "--top-k", "1")
    assert scored.code == 0, scored.err
    assert json.loads(scored.out)["model"]["documents"] == 2


def test_eval_agrees_with_training_and_shows_a_baseline(trained, table, tmp_path):
    outcome = call("--quiet", "eval", trained, "--json", "--baseline", "--output", tmp_path / "p.csv")
    assert outcome.code == 0, outcome.err
    figures = json.loads(outcome.out)
    assert figures["model"] == json.loads((trained / "metrics.json").read_text())["dev"]
    assert figures["TF-IDF + LR"]["accuracy"] == 1.0
    assert (tmp_path / "p.csv").read_bytes() == (trained / "predictions-dev.csv").read_bytes()
    text = call("--quiet", "eval", trained, "--data", table, "--top-k", "2").out
    assert "accuracy" in text
    assert "24 documents, k = 2" in text


def test_predict_texts(trained):
    outcome = call("--quiet", "predict", trained, "금리가 올랐다", "득점했다", "--top-k", "2")
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert lines[0] == "금리가 올랐다"
    assert len(lines) == 6
    assert "%" in lines[1]


def test_predict_a_file_to_jsonl_csv_and_the_terminal(trained, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("제목\n금리가 올랐다\n득점했다\n", encoding="utf-8")
    shown = call("--quiet", "predict", trained, "--input", path, "--top-k", "1")
    assert shown.code == 0, shown.err
    assert [json.loads(line)["id"] for line in shown.out.splitlines()] == ["1", "2"]
    for name in ("out.jsonl", "out.csv"):
        assert call("predict", trained, "--input", path, "--output", tmp_path / name, "--top-k", "1").code == 0
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == shown.out
    assert len((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()) == 3


def test_predict_from_workbook_to_workbook(trained, tmp_path):
    write_sheet(tmp_path / "new.xlsx", ["제목"], [["금리가 올랐다"], ["득점했다"]])
    arguments = ("--input", tmp_path / "new.xlsx", "--top-k", "2", "--output")
    for name in ("out.xlsx", "out.csv"):
        outcome = call("predict", trained, *arguments, tmp_path / name)
        assert outcome.code == 0, outcome.err
    sheet, table = (read_table(tmp_path / name) for name in ("out.xlsx", "out.csv"))
    assert sheet.columns == table.columns
    for one, other in zip(sheet.rows, table.rows, strict=True):
        assert [one.cells[name] for name in ("id", "gold", "pred_1", "pred_2")] == [
            other.cells[name] for name in ("id", "gold", "pred_1", "pred_2")
        ]
        assert float(one.cells["prob_1"]) == float(other.cells["prob_1"])


def test_sets_with_a_coverage_and_calibrated_probabilities(trained, table, tmp_path):
    record = json.loads((trained / "run.json").read_text(encoding="utf-8"))
    assert 0.01 < record["temperature"] < 100
    with (trained / "predictions-dev.csv").open(encoding="utf-8", newline="") as stream:
        gold = sorted((float(row["gold_prob"]) for row in csv.DictReader(stream)), reverse=True)
    threshold = gold[19]  # of 24 dev rows the ⌈25 × 0.8⌉th: what a label must reach at 80 %
    arguments = ("predict", trained, "--input", table, "--top-k", "3", "--coverage", "0.8", "--output")
    assert call(*arguments, tmp_path / "raw.csv").code == 0
    assert call(*arguments, tmp_path / "calibrated.jsonl", "--calibrated").code == 0
    with (tmp_path / "raw.csv").open(encoding="utf-8", newline="") as stream:
        raw = list(csv.DictReader(stream))
    for row in raw:
        reached = [row[f"pred_{i}"] for i in (1, 2, 3) if float(row[f"prob_{i}"]) >= threshold - 2e-6]
        assert row["set"].split("|") == (reached or [row["pred_1"]])
    calibrated = [json.loads(line) for line in (tmp_path / "calibrated.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["set"] for row in calibrated] == [row["set"].split("|") for row in raw]
    first = [one["probability"] for one in calibrated[0]["labels"]]
    ratio = math.log(float(raw[0]["prob_1"]) / float(raw[0]["prob_3"])) / math.log(first[0] / first[2])
    assert ratio == pytest.approx(record["temperature"], rel=1e-2)
    shown = call("--quiet", "eval", trained, "--coverage", "0.8").out
    assert "sets for 80% of the documents hold a gold label of" in shown
    assert "expected calibration error" in shown
    assert "set  " in call("--quiet", "predict", trained, "금리", "--coverage", "0.8").out
    assert "--coverage 90.0: must lie between 0 and 1" in call("predict", trained, "금리", "--coverage", "90").err


def test_a_finished_model_can_be_trained_further(trained, table, tmp_path):
    arguments = ["train", "classify", "--train", table, "--dev", table, *columns("--out", tmp_path / "more")]
    arguments[arguments.index("nano")] = trained / "model"
    outcome = call(*arguments)
    assert outcome.code == 0, outcome.err
    record = json.loads((tmp_path / "more" / "run.json").read_text())
    assert record["settings"]["learning_rate"] == 2e-5


def test_papers_run_on_the_sample(tmp_path):
    arguments = ("--epochs", "1", "--vocab-size", "1500", "--max-length", "16", "--out", tmp_path / "run")
    outcome = call("train", "papers", *arguments)
    assert outcome.code == 0, outcome.err
    figures = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert set(figures) == {"dev", "test"}
    assert {"f1_micro", "f1_macro", "f1_strict", "mrr", "majority_f1_micro"} <= set(figures["test"])
    shown = call("--quiet", "predict", tmp_path / "run", "딥러닝 기반 영상 분류", "--top-k", "33").out
    assert "EE 정보/통신" in shown


def test_pairs(tmp_path):
    path = tmp_path / "nli.tsv"
    rows = "".join(f"비가 온다 {i}\t땅이 젖는다 {i}\t{('entailment', 'neutral')[i % 2]}\n" for i in range(12))
    path.write_text("sentence1\tsentence2\tgold_label\n" + rows, encoding="utf-8")
    outcome = call("train", "mnli", "--train", path, "--dev", path, *TINY, "--out", tmp_path / "run")
    assert outcome.code == 0, outcome.err
    shown = call("--quiet", "predict", tmp_path / "run", "비가 온다", "--text-pair", "땅이 젖는다")
    assert shown.code == 0
    assert "entailment" in shown.out
    alone = call("predict", tmp_path / "run", "비가 온다")
    assert alone.code == 2
    assert "--text-pair" in alone.err


def test_several_training_files(tmp_path, table):
    other = write_table(tmp_path / "other.csv", 9)
    outcome = call(
        "train", "classify", "--train", table, "--train", other, "--dev", other, *columns("--out", tmp_path / "run")
    )
    assert outcome.code == 0, outcome.err
    assert "33 train + 9 dev" in outcome.err
