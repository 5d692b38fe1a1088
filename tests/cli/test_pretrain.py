from __future__ import annotations

import json

import pytest
from cli_calls import TOPICS, call

LINES = [f"{text} 그리고 {other} {number}" for number in range(12) for text in TOPICS.values() for other in TOPICS]


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "texts.txt"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def data(texts, tmp_path_factory):
    """A tokenizer and a prepared corpus."""
    folder = tmp_path_factory.mktemp("pretrain")
    done = call("tokenizer", "train", texts, "--vocab-size", 120, "--reserved", 0, "--out", folder / "tokenizer")
    assert done.code == 0, done.err
    done = call(
        "pretrain", "prepare", texts, "--tokenizer", folder / "tokenizer", "--out", folder / "data", "--workers", 1,
        "--keep-near-duplicates", "--valid-share", 0.2,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "108 documents of 108 lines were read" in done.out
    return folder / "data"


TINY = ("--max-steps", 3, "--batch-size", 4, "--max-length", 16, "--device", "cpu", "--eval-rows", 4)


def test_from_text_to_a_model_that_is_fine_tuned(data, tmp_path):
    run = tmp_path / "run"
    done = call("pretrain", "mlm", "--data", data, "--model", "nano", *TINY, "--out", run)
    assert done.code == 0, done.err
    assert "perplexity" in done.out
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["settings"]["batch_size"] == 4
    assert call("pretrain", "mlm", "--data", data, "--model", "nano", *TINY, "--out", run, "--resume").code == 0
    table = tmp_path / "train.csv"
    table.write_text(
        "text,label\n" + "".join(f"{text},{name}\n" for name, text in TOPICS.items()) * 4, encoding="utf-8"
    )
    tuned = call(
        "train", "classify", "--train", table, "--dev", table, "--text", "text", "--label", "label", "--epochs", 1,
        "--model", run / "model", "--max-length", 16, "--device", "cpu", "--out", tmp_path / "tuned",
    )  # fmt: skip
    assert tuned.code == 0, tuned.err


def test_tokens_instead_of_rows(data, tmp_path):
    arguments = ["pretrain", "mlm", "--data", data, "--max-steps", 1, "--max-length", 16, "--device", "cpu"]
    done = call(*arguments, "--batch-tokens", 100, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    assert json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["settings"]["batch_size"] == 6
    done = call(*arguments, "--batch-tokens", 100, "--batch-size", 3, "--out", tmp_path / "other")
    assert (done.code, done.err) == (2, "error: --batch-size and --batch-tokens exclude each other; give one\n")


def test_a_run_out_of_time_goes_on(data, tmp_path):
    arguments = ["pretrain", "mlm", "--data", data, *TINY, "--out", tmp_path / "run"]
    done = call(*arguments, "--max-hours", 1e-9)
    assert done.code == 75
    assert "stopped after step 1; go on with the same command and --resume" in done.err
    assert call(*arguments, "--resume").code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("prepare", "missing.txt"), "missing.txt: no such file"),
        (("prepare", "TEXTS", "--share", "a"), "--share a: give NAME=SHARE"),
        (("prepare", "TEXTS", "--min-hangul", "2"), "--min-hangul 2.0"),
        (("prepare", "TEXTS", "--document", "lin"), "did you mean 'line'"),
        (("mlm", "--data", "nowhere"), "nowhere: not a prepared corpus"),
        (("mlm", "--max-hours", "0", "--data", "nowhere"), "--max-hours 0.0"),
        (("mlm",), "give either --data"),
    ],
)
def test_errors_are_one_line(arguments, message, data, texts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = [str(texts) if argument == "TEXTS" else argument for argument in arguments]
    extra = ["--tokenizer", data / "tokenizer"] if arguments[0] == "prepare" else ["--device", "cpu"]
    done = call("pretrain", *arguments, *extra, "--out", tmp_path / "out")
    assert done.code == 2
    assert message in done.err.splitlines()[-1]
    assert not (tmp_path / "out").exists()
