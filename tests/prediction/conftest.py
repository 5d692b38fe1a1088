"""A finished run of three topics whose model is tiny and untrained: only its answers' way is looked at here."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "cli"))  # cli_calls.py stands there

from cli_calls import TOPICS

from korscideberta import DebertaV2Config, DebertaV2ForSequenceClassification
from korscideberta.evaluation.finished import FinishedRun
from korscideberta.tokenization import train_tokenizer

CSV = "id,제목\n"


@pytest.fixture(scope="session")
def run(tmp_path_factory) -> FinishedRun:
    """A run of `classify` that reads the columns 제목 and id."""
    folder = tmp_path_factory.mktemp("tiny")
    texts = [f"{text} {number}" for text in TOPICS.values() for number in range(9)]
    tokenizer = train_tokenizer(texts, folder / "model", vocab_size=150)
    torch.manual_seed(0)
    config = DebertaV2Config(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        position_buckets=8, max_position_embeddings=32, initializer_range=0.5,
    ).with_labels(sorted(TOPICS))  # fmt: skip
    DebertaV2ForSequenceClassification(config).save_pretrained(folder / "model")
    record = {
        "task": "classify",
        "labels": sorted(TOPICS),
        "train_label_counts": [1, 1, 1],
        "temperature": 2.0,
        "max_length": 24,
        "columns": {"text": ["제목"], "label": "분야", "text_pair": None, "id": "id"},
        "data": {},
        "model": {},
        "settings": {},
        "tokenizer": tokenizer.fingerprint(),
    }
    (folder / "run.json").write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    dev = "id,gold,pred_1,prob_1,gold_rank,gold_prob\n" + "".join(
        f"{number},과학,과학,0.5,1,{0.3 + number / 100}\n" for number in range(20)
    )
    (folder / "predictions-dev.csv").write_text(dev, encoding="utf-8")
    return FinishedRun.load(folder, device=torch.device("cpu"), precision="float32")


@pytest.fixture
def table(tmp_path) -> Path:
    """Fifty rows of different lengths, some of them with equal texts."""
    texts = list(TOPICS.values())
    rows = [f"r{number},{texts[number % 3] * (1 + number % 4)} {number % 36}" for number in range(50)]
    path = tmp_path / "new.csv"
    path.write_text(CSV + "\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def small_windows(monkeypatch) -> None:
    """Windows of eight rows, and a journal behind each."""
    monkeypatch.setattr("korscideberta.prediction.windows.ROWS", 8)
    monkeypatch.setattr("korscideberta.prediction.files._SECONDS", 0.0)
