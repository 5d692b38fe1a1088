from __future__ import annotations

from itertools import count, islice

import pytest
import torch
from cli_calls import TOPICS

import korscideberta
from korscideberta.data.batching import Tokens
from korscideberta.errors import ConfigError
from korscideberta.prediction import Predictor, PredictorSettings, memory
from korscideberta.prediction.memory import bytes_of_token, fitting_tokens

TEXTS = list(TOPICS.values())


def test_texts(run):
    predictor = korscideberta.Predictor.load(run.directory.path, settings=PredictorSettings(top_k=2))
    found = predictor.predict(TEXTS)
    with torch.inference_mode():
        logits = run.model(**run.tokenizer(TEXTS, padding=True, return_tensors="pt", truncation=True)).logits
    shares = logits.softmax(1)
    for prediction, share_C in zip(found, shares, strict=True):
        best = share_C.topk(2)
        assert [one["label"] for one in prediction["labels"]] == [run.kind.labels[i] for i in best.indices]
        assert [one["probability"] for one in prediction["labels"]] == pytest.approx(best.values.tolist(), abs=2e-6)


def test_a_stream_without_end(run, monkeypatch):
    monkeypatch.setattr("korscideberta.prediction.windows.ROWS", 8)
    stream = Predictor(run).stream(f"{TEXTS[number % 3]} {number}" for number in count())
    assert list(islice(stream, 30)) == Predictor(run).predict([f"{TEXTS[number % 3]} {number}" for number in range(30)])
    stream.close()


@pytest.mark.parametrize(
    ("texts", "message"),
    [(["글", " "], "text 2 is empty"), ([("글", "또")], "text 1 is a pair; this run reads single texts")],
)
def test_faults(run, texts, message):
    with pytest.raises(ConfigError, match=message):
        Predictor(run).predict(texts)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "--batch-size 0: must be 1 or more"),
        ({"batch_tokens": -1}, "--batch-tokens -1"),
        ({"batch_size": 4, "batch_tokens": 100}, "exclude each other"),
    ],
)
def test_sizes(settings, message):
    with pytest.raises(ConfigError, match=message):
        PredictorSettings(**settings)


def test_tokens_that_fit_into_free_memory(run, monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda device: 4 * 100 * bytes_of_token(run.model, 24))
    cpu = torch.device("cpu")
    assert fitting_tokens(run.model, 24, cpu) == 100
    assert fitting_tokens(run.model, 500, cpu) == 500  # a sequence must fit, whatever it takes
    assert Predictor(run).batch_size() == Tokens(100)
    monkeypatch.setattr(memory, "free_memory", lambda device: None)
    assert fitting_tokens(run.model, 24, cpu) == 2048


def test_memory_that_a_container_leaves(tmp_path, monkeypatch):
    (tmp_path / "meminfo").write_text("MemTotal: 900 kB\nMemAvailable:  600 kB\n")
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    cpu = torch.device("cpu")
    assert memory.free_memory(cpu) == 600 * 1024
    (tmp_path / "memory.current").write_text("1000\n")
    for limit, free in (("max", 600 * 1024), ("5000", 4000), ("10", 0)):
        (tmp_path / "memory.max").write_text(f"{limit}\n")
        assert memory.free_memory(cpu) == free
