from __future__ import annotations

import json
import shutil

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from korscideberta.errors import ConfigError, ModelError
from korscideberta.model import DebertaV2ForSequenceClassification, preset
from korscideberta.model.checkpoints import convert
from korscideberta.model.quantized import QuantizedLinear, is_quantized, quantize

IDS = torch.arange(5, 25)
STARTS = torch.tensor([0, 7])
QUERY = "deberta.encoder.layer.0.attention.self.query_proj.weight"


def logits(model):
    with torch.inference_mode():
        return model(IDS, starts=STARTS).logits


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A float32 model."""
    torch.manual_seed(0)
    sizes = {"num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
    model = DebertaV2ForSequenceClassification(preset("nano", 50, **sizes, conv_kernel_size=3))
    path = tmp_path_factory.mktemp("model") / "float32"
    model.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def int8(folder):
    """The same in 8 bits."""
    done = convert(folder, folder.parent / "int8", to="hf", dtype="int8")
    assert done.dtype == "int8 in the layers and float32 elsewhere"
    assert not done.unknown
    return folder.parent / "int8"


def test_converted_saved_and_quantized_models_are_one(folder, int8, tmp_path):
    expected = logits(quantize(DebertaV2ForSequenceClassification.from_pretrained(folder)))
    converted = DebertaV2ForSequenceClassification.from_pretrained(int8)
    assert is_quantized(converted)
    assert not converted.load_report.ignored
    assert torch.equal(logits(converted), expected)
    converted.save_pretrained(tmp_path)
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / name).read_bytes() == (int8 / name).read_bytes()


def test_matrices_of_the_layers_and_nothing_else_are_in_8_bits(int8):
    model = DebertaV2ForSequenceClassification.from_pretrained(int8)
    stored = load_file(int8 / "model.safetensors")
    layers = sum(isinstance(one, QuantizedLinear) for one in model.modules())
    assert layers == 2 * 6
    assert sum(tensor.dtype == torch.int8 for tensor in stored.values()) == layers
    assert stored["deberta.embeddings.word_embeddings.weight"].dtype == torch.float32
    assert {stored[f"{QUERY}_scale"].dtype, stored["classifier.weight"].dtype} == {torch.float32}
    assert stored[f"{QUERY}_scale"].shape == (16,)


def test_transformers_refuses_the_folder(int8):
    with pytest.raises(ValueError, match="korscideberta-int8"):
        transformers.AutoModelForSequenceClassification.from_pretrained(int8)
    assert "korscideberta alone" in json.loads((int8 / "config.json").read_text("utf-8"))["quantization_config"]["note"]


def test_8_bits_are_not_converted_again(folder, int8, tmp_path):
    with pytest.raises(ModelError, match="int8 already"):
        convert(int8, tmp_path / "out", to="hf", dtype="float32")
    with pytest.raises(ConfigError, match="--dtype int8 goes with --to hf"):
        convert(folder, tmp_path / "out", to="original", dtype="int8")
    assert not (tmp_path / "out").exists()


def damaged(source, tmp_path, change_config=None, change_weights=None):
    target = shutil.copytree(source, tmp_path / "damaged")
    config = json.loads((target / "config.json").read_text("utf-8"))
    weights = load_file(target / "model.safetensors")
    (change_config or id)(config)
    (change_weights or id)(weights)
    (target / "config.json").write_text(json.dumps(config), encoding="utf-8")
    save_file(weights, target / "model.safetensors")
    return target


def other_method(config):
    config["quantization_config"] = {"quant_method": "gptq", "bits": 4}


def later_version(config):
    config["quantization_config"]["version"] = 2


def no_table(config):
    config["quantization_config"] = "int8"


def no_key(config):
    del config["quantization_config"]
    config["model_type"] = "deberta-v2"


def floats(weights):
    weights[QUERY] = weights[QUERY].float()


def no_scale(weights):
    del weights[f"{QUERY}_scale"]


def short_scale(weights):
    weights[f"{QUERY}_scale"] = weights[f"{QUERY}_scale"][:3].clone()


def zero_scale(weights):
    weights[f"{QUERY}_scale"][2] = 0.0


@pytest.mark.parametrize(
    ("config", "weights", "told"),
    [
        (other_method, None, "quantization_config is {'quant_method': 'gptq', 'version': None}; this package reads"),
        (
            later_version,
            None,
            "'version': 2}; this package reads {'quant_method': 'korscideberta-int8', 'version': 1} alone",
        ),
        (no_table, None, "quantization_config is int8; this"),
        (no_key, None, f"{QUERY} holds int8 numbers, config.json asks for float32"),
        (None, floats, f"{QUERY} holds float32 numbers, config.json asks for int8"),
        (None, no_scale, f"lacks {QUERY}_scale"),
        (None, short_scale, f"{QUERY}_scale has shape \\(3,\\)"),
        (None, zero_scale, f"{QUERY}_scale holds scales that are no positive numbers"),
    ],
)
def test_a_bad_file_is_told_of_in_one_line(int8, tmp_path, config, weights, told):
    with pytest.raises(ModelError, match=told) as error:
        DebertaV2ForSequenceClassification.from_pretrained(damaged(int8, tmp_path, config, weights))
    assert "\n" not in str(error.value)
