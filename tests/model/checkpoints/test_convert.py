import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from korscideberta.errors import ConfigError, ModelError
from korscideberta.model import (
    DebertaV2Config,
    DebertaV2ForMaskedLM,
    DebertaV2ForReplacedTokenDetection,
    DebertaV2ForSequenceClassification,
    DebertaV2Model,
)
from korscideberta.model.checkpoints import convert

CONFIG = DebertaV2Config(
    vocab_size=30,
    hidden_size=8,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=16,
    max_position_embeddings=16,
    position_buckets=4,
    id2label=("가", "나", "다"),
)
KINDS = {
    "encoder": (DebertaV2Model, {}),
    "classifier": (DebertaV2ForSequenceClassification, {"cls_dropout": 0.2, "problem_type": "regression"}),
    "convolution": (DebertaV2ForSequenceClassification, {"conv_kernel_size": 3, "conv_act": "gelu"}),
    "unshared": (DebertaV2Model, {"share_att_key": False, "position_buckets": -1, "norm_rel_ebd": "none"}),
    "absolute": (
        DebertaV2ForSequenceClassification,
        {"relative_attention": False, "pos_att_type": (), "norm_rel_ebd": "none", "position_biased_input": True},
    ),
    "narrow": (DebertaV2Model, {"embedding_size": 4, "type_vocab_size": 2}),
    "masked language model": (DebertaV2ForMaskedLM, {}),
    "plain on biased input": (DebertaV2ForMaskedLM, {"mlm_head": "plain", "position_biased_input": True}),
    "replaced tokens": (DebertaV2ForReplacedTokenDetection, {}),
}


def save(folder, model_class=DebertaV2ForSequenceClassification, **changes):
    torch.manual_seed(0)
    model_class(CONFIG.with_changes(**changes)).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back_every_byte_is_the_same(kind, tmp_path):
    model_class, changes = KINDS[kind]
    source = save(tmp_path / "hf", model_class, **changes)
    (source / "spm.model").write_bytes(b"pieces")
    (source / "tokenizer_config.json").write_text("{}")
    (source / "README.md").write_text("not of the new folder")
    done = convert(source, tmp_path / "original", to="original")
    assert (done.kind, done.unknown, done.split) == (model_class.__name__, (), ())
    assert done.files == ("spm.model", "tokenizer_config.json")
    assert sorted(path.name for path in (tmp_path / "original").iterdir()) == [
        "model_config.json", "pytorch.model.bin", "spm.model", "tokenizer_config.json",
    ]  # fmt: skip
    convert(tmp_path / "original", tmp_path / "back", to="hf")
    for name in ("config.json", "model.safetensors", "spm.model", "tokenizer_config.json"):
        assert (tmp_path / "back" / name).read_bytes() == (source / name).read_bytes(), name
    before, after = model_class.from_pretrained(source), model_class.from_pretrained(tmp_path / "original")
    assert before.config == after.config
    assert all(torch.equal(after.state_dict()[name], tensor) for name, tensor in before.state_dict().items())


def test_the_originals_spellings(tmp_path):
    convert(save(tmp_path / "hf"), tmp_path / "original", to="original")
    values = json.loads((tmp_path / "original" / "model_config.json").read_text())
    assert values["pos_att_type"] == "p2c|c2p"
    assert values["padding_idx"] == 0
    assert values["pooling"] == {"hidden_size": 8, "dropout": 0.0, "hidden_act": "gelu"}
    assert "model_type" not in values


@pytest.mark.parametrize(("dtype", "stored"), [("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_types(dtype, stored, tmp_path):
    source = save(tmp_path / "hf")
    assert convert(source, tmp_path / "small", to="hf", dtype=dtype).dtype == str(stored).removeprefix("torch.")
    weights, small = load_file(source / "model.safetensors"), load_file(tmp_path / "small" / "model.safetensors")
    assert all(torch.equal(small[name], tensor.to(stored)) for name, tensor in weights.items())
    assert json.loads((tmp_path / "small" / "config.json").read_text())["dtype"] == str(stored).removeprefix("torch.")
    convert(tmp_path / "small", tmp_path / "kept", to="original")
    kept = torch.load(tmp_path / "kept" / "pytorch.model.bin", weights_only=True)
    assert {tensor.dtype for tensor in kept.values()} == {stored}
    weights["pooler.dense.bias"][0] = 1e6
    save_file(weights, source / "model.safetensors")
    if dtype == "fp16":
        with pytest.raises(ConfigError, match=r"a weight of 1e\+06 is beyond torch.float16; use bf16"):
            convert(source, tmp_path / "large", to="hf", dtype=dtype)


def test_unknown_weights_are_kept_and_named(tmp_path):
    source = save(tmp_path / "hf")
    weights = load_file(source / "model.safetensors")
    save_file({**weights, "projector.weight": torch.ones(2)}, source / "model.safetensors")
    assert convert(source, tmp_path / "original", to="original").unknown == ("projector.weight",)
    assert "projector.weight" in torch.load(tmp_path / "original" / "pytorch.model.bin", weights_only=True)


@pytest.mark.parametrize("mlm_head", ["plain", "legacy"])
def test_heads_the_original_has_not(mlm_head, tmp_path):
    source = save(tmp_path / "hf", DebertaV2ForMaskedLM, mlm_head=mlm_head)
    with pytest.raises(ModelError, match="would run its mask decoder instead, to other logits"):
        convert(source, tmp_path / "original", to="original")
    assert not (tmp_path / "original").exists()
    values = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps({**values, "architectures": ["DebertaV2ForQuestionAnswering"]}))
    with pytest.raises(ModelError, match="has no question-answering model"):
        convert(source, tmp_path / "original", to="original")


def test_nothing_is_overwritten(tmp_path):
    source = save(tmp_path / "hf")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes").write_text("mine")
    with pytest.raises(ConfigError, match="full already holds something; name an empty folder"):
        convert(source, tmp_path / "full", to="original")
    with pytest.raises(ConfigError, match="already holds something"):
        convert(source, source, to="hf")
    with pytest.raises(ConfigError, match="did you mean 'original'"):
        convert(source, tmp_path / "new", to="orignal")
    with pytest.raises(ConfigError, match="--dtype float8: did you mean"):
        convert(source, tmp_path / "new", to="hf", dtype="float8")
    assert not (tmp_path / "new").exists()


def test_the_weights_may_be_read_by_whoever_may_read_other_files(tmp_path):
    save(tmp_path / "model")
    (tmp_path / "other").touch()
    modes = {path.stat().st_mode for path in [*(tmp_path / "model").iterdir(), tmp_path / "other"]}
    assert len(modes) == 1
