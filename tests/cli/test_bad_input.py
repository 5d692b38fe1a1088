"""Bad input gives one line that names what was found, exit code 2, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil

import pytest
from cli_calls import TINY, call, write_table


@pytest.fixture
def train(tmp_path, table):
    """Train on a file with this content (or these bytes) and return what came of it."""

    def run(content, *more, name="bad.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        options = ["--text", "제목", "--label", "분야", *TINY, "--out", tmp_path / "run"]
        return call("train", "classify", "--train", path, "--dev", table, *options, *more)

    return run


def refused(outcome, *parts):
    assert outcome.code == 2, (outcome.out, outcome.err)
    errors = [line for line in outcome.err.splitlines() if line.lower().startswith("error")]
    assert len(errors) == 1, outcome.err
    assert "Traceback" not in outcome.err
    for part in parts:
        assert part in errors[0]


GOOD = "제목,분야\n실험 결과,과학\n시장 금리,경제\n경기 우승,체육\n"


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("", ("bad.csv", "empty")),
        ("제목,분야\n", ("bad.csv", "no rows")),
        ("제목,주제\n실험,과학\n", ("bad.csv", "no column '분야'", "'주제'")),
        (GOOD + "칸이 모자람\n", ("bad.csv:5", "1 cells")),
        ("제목,분야\n\xff\xfe,과학\n".encode("latin-1", "ignore"), ("bad.csv",)),
        (GOOD + "실험,\n", ("bad.csv:5", "label is empty")),
        (GOOD + "NaN,과학\n", ("bad.csv:5", "no text", "'NaN'")),
        ("제목,분야\n실험,과학\n관측,과학\n", ("bad.csv", "'과학'", "at least two")),
    ],
)
def test_training_file(train, tmp_path, content, parts):
    refused(train(content), *parts)
    assert not (tmp_path / "run").exists()


def test_wrong_encoding(train, tmp_path):
    refused(train(GOOD.encode("utf-16")), "bad.csv:1", "neither UTF-8 nor CP949")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp949"])
def test_other_encodings_are_read(train, encoding):
    outcome = train(GOOD.encode(encoding))
    assert outcome.code == 0, outcome.err
    assert ("read as CP949" in outcome.err) == (encoding == "cp949")


def test_missing_file(tmp_path):
    refused(
        call("train", "classify", "--train", tmp_path / "no.csv", "--out", tmp_path / "run"), "no.csv", "no such file"
    )
    refused(call("train", "mnli", "--out", tmp_path / "run"), "--train is missing")
    refused(call("eval", tmp_path / "nothing"), "nothing", "not a run directory")
    assert not list(tmp_path.iterdir())


def test_unknown_label_in_dev_and_in_eval(train, trained, tmp_path, table):
    without = "제목,분야\n실험 결과,과학\n시장 금리,경제\n"
    refused(train(without), "train.csv:4", "unknown label '체육'")
    assert not (tmp_path / "run").exists()
    path = tmp_path / "new.csv"
    path.write_text("제목,분야\n실험,과핫\n", encoding="utf-8")
    refused(call("eval", trained, "--data", path), "new.csv:2", "unknown label '과핫'")
    path.write_text("제목,분야\n실험,\n", encoding="utf-8")
    refused(call("eval", trained, "--data", path), "new.csv:2", "label is empty")


def test_long_text_emoji_and_control_characters_are_read(train, trained, tmp_path):
    odd = "가나다 " * 25_000 + ",과학\n🧪👩‍🔬 실험\x07\x1b[31m 결과\u200b,경제\n\x00\x01,체육\n"
    outcome = train(GOOD + odd)
    assert outcome.code == 0, outcome.err
    shown = call("--quiet", "predict", trained, "🧪\x07 실험", "글 " * 50_000, "[CLS] \ud83d")
    assert shown.code == 0, shown.err


def test_folder_that_exists(train, tmp_path):
    assert train(GOOD).code == 0
    refused(train(GOOD), "already exists", "--resume", "--overwrite")
    refused(train(GOOD, "--overwrite", "--resume"), "exclude each other")
    assert train(GOOD, "--overwrite").code == 0


def test_a_folder_that_is_no_run_is_never_deleted(train, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("years of work")
    refused(train(GOOD, "--overwrite"), "not a run directory")
    refused(train(GOOD, "--resume"), "not a run directory")
    assert (tmp_path / "run" / "thesis.txt").read_text() == "years of work"


def test_nothing_to_resume(train):
    refused(train(GOOD, "--resume"), "nothing to resume")


def test_out_that_cannot_be_written(train, tmp_path, table):
    (tmp_path / "file").write_text("")
    outcome = call(
        "train",
        "classify",
        "--train",
        table,
        "--text",
        "제목",
        "--label",
        "분야",
        *TINY,
        "--out",
        tmp_path / "file" / "run",
    )
    refused(outcome, "cannot be written")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_write_permission(train, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    refused(train(GOOD, "--out", locked / "run"), "cannot be written")


@pytest.mark.parametrize("top_k", [0, 4])
def test_top_k_out_of_range(trained, top_k):
    refused(call("eval", trained, "--top-k", top_k), f"--top-k {top_k}", "number of labels, 3")
    refused(call("predict", trained, "글", "--top-k", top_k), f"--top-k {top_k}")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "spm.model", "tokenizer_config.json"])
def test_model_folder_that_lacks_a_file(trained, tmp_path, name):
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    (copy / "model" / name).unlink()
    refused(call("predict", copy, "글"), name)


def test_another_tokenizer_is_refused(trained, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    path = copy / "model" / "tokenizer_config.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"mecab"', '"none"'), encoding="utf-8")
    refused(call("predict", copy, "글"), "another tokenizer", "now none")


def test_damaged_run_json(trained, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    (copy / "run.json").write_text("{")
    refused(call("predict", copy, "글"), "run.json", "damaged")
    (copy / "run.json").write_text("{}")
    refused(call("predict", copy, "글"), "run.json", "no 'task'")


def test_option_values(train, tmp_path, trained):
    refused(train(GOOD, "--learning-rate", "-1"), "--learning-rate")
    refused(train(GOOD, "--precision", "fp16"), "--precision fp16 needs a GPU")
    refused(train(GOOD, "--device", "tpu9"), "--device tpu9")
    refused(train(GOOD, "--max-length", "1"), "max_length=1")
    refused(call("predict", trained), "TEXT")
    refused(call("predict", trained, " "), "TEXT 1 is empty")
    refused(call("predict", trained, "글", "--output", tmp_path / "x.txt"), "x.txt", ".jsonl")
    refused(call("eval", trained, "--split", "test"), "--split test", "no such split")


def test_debug_shows_the_traceback(tmp_path):
    outcome = call("--debug", "eval", tmp_path / "nothing")
    assert outcome.code == 1
    assert outcome.err.startswith("Traceback")
    assert "ModelError" in outcome.err


def test_write_table_is_what_the_fixtures_say(tmp_path):
    assert len(write_table(tmp_path / "t.csv", 6).read_text(encoding="utf-8").splitlines()) == 7
