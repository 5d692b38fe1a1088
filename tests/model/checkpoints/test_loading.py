import json
import logging

import pytest
import torch
from safetensors.torch import load_file, save_file

from korscideberta.errors import ConfigError, ModelError
from korscideberta.model import DebertaV2Config, DebertaV2ForSequenceClassification, DebertaV2Model

CONFIG = DebertaV2Config(
    vocab_size=30,
    hidden_size=8,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=16,
    max_position_embeddings=16,
    position_buckets=4,
    id2label=("a", "b", "c"),
)
IDS = torch.tensor([[1, 5, 7, 2]])


@pytest.fixture
def model():
    torch.manual_seed(0)
    return DebertaV2ForSequenceClassification(CONFIG).eval()


@pytest.fixture
def folder(model, tmp_path):
    model.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_round_trip(model, folder):
    again = DebertaV2ForSequenceClassification.from_pretrained(folder, attention="dense")
    assert not again.training
    torch.testing.assert_close(again(IDS).logits, model(IDS).logits)
    assert again.load_report.newly_initialised == again.load_report.ignored == ()
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    again.save_pretrained(folder.parent / "again")
    for name in ("config.json", "model.safetensors"):
        assert (folder / name).read_bytes() == (folder.parent / "again" / name).read_bytes()


def test_a_bare_model_from_a_headed_folder_and_back(model, folder, tmp_path, caplog):
    bare = DebertaV2Model.from_pretrained(folder)
    assert bare.load_report.ignored == (
        "classifier.bias",
        "classifier.weight",
        "pooler.dense.bias",
        "pooler.dense.weight",
    )
    expected = model(IDS, output_hidden_states=True).hidden_states
    torch.testing.assert_close(bare(IDS).last_hidden_state, expected[-1])
    bare.save_pretrained(tmp_path / "bare")
    with caplog.at_level(logging.WARNING):
        headed = DebertaV2ForSequenceClassification.from_pretrained(tmp_path / "bare")
    assert headed.load_report.newly_initialised == bare.load_report.ignored
    assert [record for record in caplog.records if "newly initialised" in record.message]
    torch.testing.assert_close(headed(IDS, output_hidden_states=True).hidden_states, expected)
    assert headed.classifier.weight.std() > 0
    assert (headed.classifier.bias == 0).all()


def test_other_labels_give_a_fresh_classifier(model, folder):
    other = DebertaV2ForSequenceClassification.from_pretrained(folder, num_labels=5)
    assert other.load_report.newly_initialised == ("classifier.bias", "classifier.weight")
    assert other.config.id2label == tuple(f"LABEL_{index}" for index in range(5))
    torch.testing.assert_close(other.pooler.dense.weight, model.pooler.dense.weight)
    named = DebertaV2ForSequenceClassification.from_pretrained(folder, labels=["x", "y"])
    assert named.config.id2label == ("x", "y")
    same = DebertaV2ForSequenceClassification.from_pretrained(folder, num_labels=3)
    assert same.config.id2label == ("a", "b", "c")
    assert same.load_report.newly_initialised == ()


def test_renamed_labels_keep_the_classifier_with_a_warning(model, folder, caplog):
    with caplog.at_level(logging.WARNING):
        renamed = DebertaV2ForSequenceClassification.from_pretrained(folder, labels=["x", "y", "z"])
    torch.testing.assert_close(renamed.classifier.weight, model.classifier.weight)
    assert "trained for the labels a, b, c" in caplog.text


def test_config_overrides(folder):
    model = DebertaV2ForSequenceClassification.from_pretrained(folder, hidden_dropout_prob=0.0)
    assert model.dropout.p == 0.0
    with pytest.raises(ConfigError, match="did you mean 'hidden_dropout_prob'"):
        DebertaV2ForSequenceClassification.from_pretrained(folder, hidden_dropout=0.0)
    with pytest.raises(ConfigError, match="num_labels=2"):
        DebertaV2ForSequenceClassification.from_pretrained(folder, num_labels=2, labels=["a"])


def test_pickled_and_half_precision_weights(model, folder):
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save({name: tensor.half() for name, tensor in weights.items()}, folder / "pytorch_model.bin")
    again = DebertaV2ForSequenceClassification.from_pretrained(folder)
    assert again.classifier.weight.dtype == torch.float32
    torch.testing.assert_close(again(IDS).logits, model(IDS).logits, atol=1e-2, rtol=0)


def test_pickles_run_no_code(folder, tmp_path):
    class Payload:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    (folder / "model.safetensors").unlink()
    torch.save({"weight": Payload()}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin cannot be read"):
        DebertaV2Model.from_pretrained(folder)
    assert not (tmp_path / "ran").exists()


def test_missing_and_damaged_files(folder, tmp_path):
    def refused(message):
        with pytest.raises(ModelError, match=message) as caught:
            DebertaV2ForSequenceClassification.from_pretrained(folder)
        assert "\n" not in str(caught.value)

    weights = (folder / "model.safetensors").read_bytes()
    config = (folder / "config.json").read_text()
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    refused(r"model\.safetensors cannot be read")
    (folder / "model.safetensors").unlink()
    refused("neither model.safetensors nor pytorch_model.bin")
    (folder / "pytorch_model.bin").write_bytes(b"junk")
    refused(r"pytorch_model\.bin cannot be read")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "model-1.safetensors"}}))
    (folder / "pytorch_model.bin").unlink()
    refused(r"model-1\.safetensors is missing")
    (folder / "model.safetensors.index.json").write_text("{}")
    refused("index of shards")
    (folder / "config.json").write_text(config[:20])
    refused(r"config\.json cannot be read")
    (folder / "config.json").write_text("[]")
    refused("JSON object")
    (folder / "config.json").unlink()
    refused(r"config\.json is missing")


def test_weights_that_do_not_belong_to_the_config(folder):
    path = folder / "model.safetensors"
    weights = load_file(path)
    without = {name: tensor for name, tensor in weights.items() if "layer.1.output.dense" not in name}
    save_file(without, path)
    with pytest.raises(ModelError, match=r"lacks deberta\.encoder\.layer\.1\.output\.dense"):
        DebertaV2ForSequenceClassification.from_pretrained(folder)
    save_file({**weights, "classifier.weight": torch.zeros(4, 8)}, path)
    with pytest.raises(ModelError, match=r"classifier\.weight has shape \(4, 8\)"):
        DebertaV2ForSequenceClassification.from_pretrained(folder)


def test_config_errors_name_the_file(folder):
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**values, "conv_kernel_size": 2}))
    with pytest.raises(ConfigError, match=r"config\.json: conv_kernel_size=2"):
        DebertaV2Model.from_pretrained(folder)
