from __future__ import annotations

import json
import logging

import pytest
import torch

from korscideberta.errors import ConfigError
from korscideberta.evaluation import cpu_precision as module
from korscideberta.evaluation.cpu_precision import Measured, Trial, measure, settle
from korscideberta.model import DebertaV2ForMultipleChoice, DebertaV2ForSequenceClassification, preset
from korscideberta.model.quantized import is_quantized

CPU = torch.device("cpu")
ROWS = [[1, 7, 8, 9, 2], [1, 9, 2], [1, 5, 6, 7, 8, 2]]


class Letters:
    """A tokenizer, of which nothing else is used."""

    @staticmethod
    def encode(text):
        return [5 + ord(letter) % 40 for letter in text]


def small(model_class=DebertaV2ForSequenceClassification):
    torch.manual_seed(0)
    sizes = {"num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
    return model_class(preset("nano", 50, **sizes)).eval()


def measured(spread=3.0, **trials):
    return Measured(trials={"float32": Trial(seconds=2.0), **trials}, spread=spread)


def test_the_fastest_format_within_the_bound_is_chosen():
    fast, near = Trial(seconds=0.5, error=0.3), Trial(seconds=1.0, error=0.1)
    assert measured(int8=fast, bf16=near).chosen() == "bf16"
    assert measured(int8=Trial(seconds=0.5, error=0.1), bf16=near).chosen() == "int8"
    assert measured(int8=near).chosen() == "int8"
    assert measured(int8=near, spread=0.5).chosen() == "float32"
    assert measured(int8=Trial(seconds=1.9, error=0.0)).chosen() == "float32"
    assert measured(int8=Trial(seconds=0.5, error=float("nan"))).chosen() == "float32"
    told = measured(int8=fast).account()
    assert told == (
        "--precision auto: float32 (int8 4.00 times as fast as float32, logits off by 0.3; bounds: 1.15 and 0.2)"
    )


@pytest.mark.parametrize("model_class", [DebertaV2ForSequenceClassification, DebertaV2ForMultipleChoice])
def test_a_measurement_leaves_the_model_as_it_was(model_class):
    model = small(model_class)
    before = {name: (x.data_ptr(), x.clone()) for name, x in model.state_dict().items()}
    found = measure(model, ROWS, ["bf16", "int8"])
    assert not is_quantized(model)
    after = model.state_dict()
    assert all(after[name].data_ptr() == place and torch.equal(after[name], x) for name, (place, x) in before.items())
    assert found.trials["float32"].error == 0
    assert 0 < found.trials["int8"].error < 1
    assert 0 < found.trials["bf16"].error < 1
    assert all(trial.seconds > 0 for trial in found.trials.values())


@pytest.fixture
def measurements(monkeypatch, tmp_path):
    """Counts measurements, which all say that int8 is best."""
    monkeypatch.setenv("KORSCI_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "_FEWEST_WEIGHTS", 0)
    made = []

    def quick(model, rows, formats):
        made.append((rows, formats))
        return measured(int8=Trial(seconds=0.5, error=0.1))

    monkeypatch.setattr(module, "measure", quick)
    return made


def test_auto_measures_once_for_a_model_and_says_what_it_chose(measurements, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "korscideberta"):
        for _ in range(2):
            model, precision = settle(small(), Letters(), "auto", CPU)
            assert precision == "int8"
            assert is_quantized(model)
    assert len(measurements) == 1
    rows, formats = measurements[0]
    assert len(rows) == 4
    assert all(len(row) == 128 for row in rows)
    assert formats == [name for name in ("bf16", "int8") if name == "int8" or module.has_bf16_unit()]
    assert caplog.text.count("--precision auto: int8 (int8 4.00 times as fast") == 2
    other = small()
    with torch.no_grad():
        other.classifier.bias += 1
    settle(other, Letters(), "auto", CPU)
    assert len(measurements) == 2
    for path in (tmp_path / "precision").iterdir():
        path.write_text(json.dumps({"trials": {}, "spread": 1}), encoding="utf-8")
    settle(small(), Letters(), "auto", CPU)
    assert len(measurements) == 3


def test_a_small_model_is_not_worth_a_measurement(measurements, monkeypatch):
    monkeypatch.setattr(module, "_FEWEST_WEIGHTS", 10**6)
    model, precision = settle(small(), Letters(), "auto", CPU)
    assert precision == "float32"
    assert not is_quantized(model)
    assert not measurements


def test_precision_as_asked_for():
    assert settle(small(), Letters(), "bf16", CPU)[1] == "bf16"
    model, precision = settle(small(), Letters(), "int8", CPU)
    assert precision == "int8"
    assert settle(model, Letters(), "auto", CPU) == (model, "int8")
    with pytest.raises(ConfigError, match="weights are int8; use int8 or auto"):
        settle(model, Letters(), "float32", CPU)
    with pytest.raises(ConfigError, match="runs on a CPU, not on cuda"):
        settle(model, Letters(), "auto", torch.device("cuda"))
    with pytest.raises(ConfigError, match="--precision int4: use one of auto"):
        settle(small(), Letters(), "int4", CPU)
