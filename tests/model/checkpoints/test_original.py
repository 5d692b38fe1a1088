"""Folders of the original implementation: figures it gave for its own weights, in every spelling they come in."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from korscideberta.errors import ModelError
from korscideberta.model import (
    DebertaV2ForMaskedLM,
    DebertaV2ForReplacedTokenDetection,
    DebertaV2ForSequenceClassification,
    DebertaV2Model,
)

GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden"
CASE = load_file(GOLDEN / "v3_korsci.case.safetensors")
IDS, MASK = CASE["input_ids"], CASE["attention_mask"]
CONFIG = json.loads((GOLDEN / "v3_korsci.config.json").read_text())


def weights_of(part):
    stored = load_file(GOLDEN / "v3_korsci.weights.safetensors")
    return {name.removeprefix(f"{part}/"): tensor for name, tensor in stored.items() if name.startswith(f"{part}/")}


def write(folder, weights, config=CONFIG, name="pytorch.model.bin"):
    folder.mkdir(exist_ok=True)
    torch.save(weights, folder / name)
    if config is not None:
        (folder / "model_config.json").write_text(json.dumps({**config, "num_labels": 5}))
    return folder


def agrees(found, name):
    torch.testing.assert_close(found, CASE[name], atol=2e-5, rtol=0)


def bert(weights):
    return {name.replace("deberta.", "bert.", 1): tensor for name, tensor in weights.items()}


def gamma_beta(weights):
    return {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor
        for name, tensor in weights.items()
    }


def data_parallel(weights):
    return {f"module.{name}": tensor for name, tensor in weights.items()}


@pytest.mark.parametrize("spelling", [dict, bert, gamma_beta, data_parallel, lambda x: data_parallel(bert(x))])
def test_classification(spelling, tmp_path):
    write(tmp_path, spelling(weights_of("classification")))
    model = DebertaV2ForSequenceClassification.from_pretrained(tmp_path)
    assert model.load_report.newly_initialised == ()
    with torch.no_grad():
        agrees(model(IDS, MASK, CASE["token_type_ids"]).logits, "classification.logits")


def test_masked_language_model_and_replaced_tokens(tmp_path):
    write(tmp_path / "mlm", data_parallel(gamma_beta(weights_of("mlm"))), name="pytorch.model-000100.bin")
    model = DebertaV2ForMaskedLM.from_pretrained(tmp_path / "mlm")
    assert (model.config.mlm_head, model.load_report.ignored) == ("emd", ())
    with torch.no_grad():
        agrees(model(IDS, MASK).logits[CASE["mlm_labels"] > 0], "mlm.logits_at_masked")
    write(tmp_path / "rtd", weights_of("rtd"))
    model = DebertaV2ForReplacedTokenDetection.from_pretrained(tmp_path / "rtd")
    with torch.no_grad():
        agrees(model(CASE["rtd.input_ids"], MASK).logits, "rtd.logits")


def test_settings_kept_beside_the_weights(tmp_path):
    write(tmp_path, {**weights_of("classification"), "config": {**CONFIG, "num_labels": 5}}, config=None)
    with torch.no_grad():
        model = DebertaV2ForSequenceClassification.from_pretrained(tmp_path)
        agrees(model(IDS, MASK, CASE["token_type_ids"]).logits, "classification.logits")


def fused(weights, heads):
    """The same weights as version 1 stores them, whose keys have no bias."""
    result = {}
    for name, tensor in weights.items():
        prefix, _, rest = name.rpartition("attention.self.")
        prefix += "attention.self."
        if rest == "query_proj.weight":
            parts = [
                weights[f"{prefix}{part}_proj.weight"].unflatten(0, (heads, -1)) for part in ("query", "key", "value")
            ]
            result[f"{prefix}in_proj.weight"] = torch.cat(parts, dim=1).flatten(0, 1)
        elif rest in ("query_proj.bias", "value_proj.bias"):
            result[f"{prefix}{rest[0]}_bias"] = tensor
        elif rest == "pos_key_proj.weight":
            result[f"{prefix}pos_proj.weight"] = tensor
        elif rest.startswith("pos_query_proj."):
            result[f"{prefix}pos_q_proj.{rest.rpartition('.')[2]}"] = tensor
        elif "attention.self.key_proj" not in name and "value_proj" not in name and "pos_key_proj" not in name:
            result[name] = tensor
    return result


def test_fused_projections_of_version_1(shared, tmp_path):
    folder = shared / "golden" / "deberta"
    config = json.loads((folder / "v1_unshared.config.json").read_text())
    stored = load_file(folder / "v1_unshared.weights.safetensors")
    weights = {
        name.removeprefix("classification/"): tensor.zero_() if "key_proj.bias" in name else tensor
        for name, tensor in stored.items()
        if name.startswith("classification/")
    }
    write(tmp_path / "split", weights, config)
    write(tmp_path / "fused", fused(weights, config["num_attention_heads"]), config)
    split, joined = (
        DebertaV2ForSequenceClassification.from_pretrained(tmp_path / kind).state_dict() for kind in ("split", "fused")
    )
    assert split.keys() == joined.keys()
    assert all(torch.equal(split[name], joined[name]) for name in split)


def test_a_head_with_a_further_layer_is_refused_and_its_encoder_is_not(tmp_path):
    weights = weights_of("classification")
    write(tmp_path, {**weights, "proj.weight": torch.zeros(48, 48), "proj.bias": torch.zeros(48)})
    with pytest.raises(ModelError, match="has a layer 'proj' before it"):
        DebertaV2ForSequenceClassification.from_pretrained(tmp_path)
    with torch.no_grad():
        states = DebertaV2Model.from_pretrained(tmp_path)(IDS, MASK, CASE["token_type_ids"])
    agrees(states.last_hidden_state, "classification.hidden.3")


def test_several_checkpoints_of_a_run_are_no_model(tmp_path):
    for step in (100, 200):
        write(tmp_path, weights_of("rtd"), name=f"pytorch.model-{step}.bin")
    with pytest.raises(ModelError, match="holds 2 checkpoints of one run"):
        DebertaV2Model.from_pretrained(tmp_path)
