"""Documents whose label is told by their last words alone."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest
import torch
from cli_calls import call

from korscideberta.model import DebertaV2Config, DebertaV2ForSequenceClassification
from korscideberta.tokenization import train_tokenizer

ENDS = {"물리": "입자 에너지", "경제": "시장 금리"}
FILLING = ["연구", "방법", "결과", "실험", "분석", "자료", "표", "그림"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table, and a model with its tokenizer to begin with."""
    folder = tmp_path_factory.mktemp("long")
    draw = random.Random(0)
    for name in ("train", "dev"):
        rows = []
        for number in range(120):
            field = list(ENDS)[number % 2]
            words = draw.choices(FILLING, k=(3, 14, 20)[number % 3])
            rows.append(f"{' '.join(words)} {ENDS[field]},{field}")
        (folder / f"{name}.csv").write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    tokenizer = train_tokenizer(rows, folder / "model", vocab_size=60, character_coverage=1.0)
    config = DebertaV2Config(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=32, position_buckets=8, initializer_range=0.2, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    torch.manual_seed(0)
    DebertaV2ForSequenceClassification(config.with_labels(("a", "b"))).save_pretrained(folder / "model")
    return folder


def train(folder: Path, out: str, *options: object) -> str:
    outcome = call(
        "train", "classify", "--train", folder / "train.csv", "--dev", folder / "dev.csv", "--text", "text",
        "--label", "label", "--model", folder / "model", "--max-length", "10", "--epochs", "6", "--batch-size", "16",
        "--learning-rate", "2e-2", "--eval-every", "1000", "--device", "cpu", "--out", folder / out, *options,
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    return outcome.out + outcome.err


def accuracy(run: Path) -> float:
    figure: float = json.loads((run / "metrics.json").read_text())["dev"]["accuracy"]
    return figure


def best(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [(row["id"], row["pred_1"]) for row in csv.DictReader(stream)]


def test_cut_off_the_end_cannot_be_learnt(folder: Path) -> None:
    told = train(folder, "truncate")
    assert "80 of 120 training texts (66.7%) have more than 10 tokens and lose their end; --long windows" in told
    assert accuracy(folder / "truncate") < 0.8


def test_windows_learn_it_and_evaluation_and_prediction_know_of_them(folder: Path) -> None:
    told = train(folder, "windows", "--long", "windows", "--doc-stride", "6")
    assert "are read in" in told
    assert accuracy(folder / "windows") > 0.9
    record = json.loads((folder / "windows" / "run.json").read_text(encoding="utf-8"))
    assert (record["model"]["long"], record["model"]["doc_stride"]) == ("windows", 6)
    scored = json.loads(call("eval", folder / "windows", "--split", "dev", "--json").out)["model"]
    assert scored["accuracy"] == accuracy(folder / "windows")
    model = ("--model", folder / "windows" / "model", "--task", "classify", "--text", "text", "--label", "label")
    limits = ("--max-length", "10", "--long", "windows", "--doc-stride", "6")
    alone = call("eval", *model, *limits, "--data", folder / "dev.csv", "--json")
    assert json.loads(alone.out)["model"]["accuracy"] == accuracy(folder / "windows")
    predicted = folder / "windows.csv"
    assert call("predict", folder / "windows", "--input", folder / "dev.csv", "--output", predicted).code == 0
    assert best(predicted) == best(folder / "windows" / "predictions-dev.csv")


def test_head_and_tail_learn_it(folder: Path) -> None:
    assert "and are read at their beginning and their end" in train(folder, "ends", "--long", "head-tail")
    assert accuracy(folder / "ends") > 0.95


def test_a_run_with_windows_is_resumed_to_the_same_weights(folder: Path) -> None:
    options = ("--long", "windows", "--doc-stride", "6", "--epochs", "1", "--accumulate", "2", "--save-every", "3")
    train(folder, "whole", *options)
    train(folder, "stopped", *options)
    newest = max((folder / "stopped" / "checkpoints").iterdir(), key=lambda path: path.stat().st_mtime)
    for path in (*newest.iterdir(), folder / "stopped" / "metrics.json"):
        path.unlink()
    newest.rmdir()
    train(folder, "stopped", *options, "--resume")
    weights = [(folder / run / "model" / "model.safetensors").read_bytes() for run in ("whole", "stopped")]
    assert weights[0] == weights[1]
    assert accuracy(folder / "whole") == accuracy(folder / "stopped")


def test_a_dry_run_counts_windows(folder: Path) -> None:
    told = train(folder, "none", "--long", "windows", "--dry-run")
    assert "long       80 of 120 training texts (66.7%) have more than 10 tokens and are read in" in told
    assert not (folder / "none").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("classify", "--long", "window"), "--long window: did you mean 'windows'"),
        (("classify", "--doc-stride", "64"), "classify does not cut texts into windows; add --long windows"),
        (("korquad", "--long", "windows"), "--long windows: korquad judges no texts as a whole"),
    ],
)
def test_options_that_mean_nothing(folder: Path, options: tuple[str, ...], message: str) -> None:
    train_file = folder / "train.csv"
    if options[0] == "korquad":
        train_file = folder / "q.json"
        qas = [{"id": str(n), "question": "무엇?", "answers": [{"text": "입자", "answer_start": 0}]} for n in range(2)]
        articles = [{"title": qa["id"], "paragraphs": [{"context": "입자 하나", "qas": [qa]}]} for qa in qas]
        train_file.write_text(json.dumps({"data": articles}), encoding="utf-8")
    outcome = call("train", *options, "--train", train_file, "--out", folder / "refused")
    assert outcome.code == 2
    assert message in outcome.err
