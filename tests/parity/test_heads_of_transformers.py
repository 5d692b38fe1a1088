"""Folders of transformers' own models are read to equal logits, and ours by transformers."""

import json

import pytest
import torch

from korscideberta import model as models
from korscideberta.model import (
    DebertaV2Config,
    DebertaV2ForMaskedLM,
    DebertaV2ForSequenceClassification,
    DebertaV2Model,
)
from korscideberta.model.checkpoints import save

transformers = pytest.importorskip("transformers")

SIZES = {
    "vocab_size": 90,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 48,
    "initializer_range": 0.3,
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
}
V2 = {**SIZES, "position_buckets": 8, "norm_rel_ebd": "layer_norm", "share_att_key": True}
IDS = torch.randint(1, 90, (2, 20), generator=torch.Generator().manual_seed(1))
MASK = (torch.arange(20) < torch.tensor([[20], [13]])).long()


def close(found, expected):
    torch.testing.assert_close(found * MASK[..., None], expected * MASK[..., None], atol=1e-5, rtol=1e-5)


def random_model(name, config):
    """A model of transformers with every parameter random, biases and norms included."""
    torch.manual_seed(0)
    model = getattr(transformers, name)(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


def save_pickled(model, folder):
    """As transformers did before safetensors: every name, ties included."""
    model.config.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")


@pytest.mark.parametrize("terms", [["c2p", "p2c"], ["c2p"], ["p2c"]])
def test_version_1(terms, tmp_path):
    config = transformers.DebertaConfig(**{**SIZES, "pos_att_type": terms}, num_labels=3)
    theirs = random_model("DebertaForSequenceClassification", config)
    theirs.save_pretrained(tmp_path)
    ours = DebertaV2ForSequenceClassification.from_pretrained(tmp_path)
    assert ours.load_report.newly_initialised == ours.load_report.ignored == ()
    with torch.no_grad():
        expected = theirs(IDS, MASK)
        torch.testing.assert_close(ours(IDS, MASK).logits, expected.logits, atol=1e-5, rtol=1e-5)
        # Saved again it is a model of version 2 with the same results.
        ours.save_pretrained(tmp_path / "again")
        again = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "again").eval()
        torch.testing.assert_close(again(IDS, MASK).logits, expected.logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("store", ["safetensors", "pickle"])
@pytest.mark.parametrize("kind", ["legacy", "untied legacy", "plain"])
@pytest.mark.parametrize("version", ["Deberta", "DebertaV2"])
def test_masked_language_model_heads(version, kind, store, tmp_path):
    values = SIZES if version == "Deberta" else V2
    config = getattr(transformers, f"{version}Config")(
        **values, legacy=kind != "plain", tie_word_embeddings=kind != "untied legacy"
    )
    theirs = random_model(f"{version}ForMaskedLM", config)
    if store == "safetensors":
        theirs.save_pretrained(tmp_path)
    else:
        save_pickled(theirs, tmp_path)
    ours = DebertaV2ForMaskedLM.from_pretrained(tmp_path)
    assert ours.config.mlm_head == kind.rpartition(" ")[2]
    assert ours.load_report.newly_initialised == ours.load_report.ignored == ()
    with torch.no_grad():
        expected = theirs(IDS, MASK).logits
        close(ours(IDS, MASK).logits, expected)
        save(ours, tmp_path / "again")
        again, info = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "again", output_loading_info=True)
        assert not info["missing_keys"]
        assert not info["unexpected_keys"]
        close(again.eval()(IDS, MASK).logits, expected)


def test_the_mask_decoders_weights_reach_transformers_which_cannot_run_it(tmp_path):
    config = DebertaV2Config.from_dict({**V2, "model_type": "deberta-v2", "mlm_head": "emd"})
    torch.manual_seed(0)
    ours = DebertaV2ForMaskedLM(config).eval()
    ours.save_pretrained(tmp_path)
    theirs, info = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"]
    again = DebertaV2ForMaskedLM.from_pretrained(tmp_path)
    assert again.config.mlm_head == "emd"
    plain = DebertaV2ForMaskedLM.from_pretrained(tmp_path, mlm_head="plain")
    with torch.no_grad():
        torch.testing.assert_close(again(IDS, MASK).logits, ours(IDS, MASK).logits, atol=0, rtol=0)
        close(plain(IDS, MASK).logits, theirs.eval()(IDS, MASK).logits)
        assert (plain(IDS, MASK).logits - ours(IDS, MASK).logits).abs().max() > 1e-3


def test_the_decoder_of_a_file_without_its_positions_is_the_plain_one(tmp_path):
    theirs = random_model("DebertaV2ForMaskedLM", transformers.DebertaV2Config(**V2, legacy=False))
    theirs.save_pretrained(tmp_path)
    values = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(
        json.dumps({name: value for name, value in values.items() if name != "legacy"})
    )
    assert DebertaV2ForMaskedLM.from_pretrained(tmp_path).config.mlm_head == "plain"


def test_a_masked_language_model_on_a_bare_encoder_says_that_its_head_is_new(tmp_path, caplog):
    theirs = random_model("DebertaV2Model", transformers.DebertaV2Config(**V2))
    theirs.save_pretrained(tmp_path)
    ours = DebertaV2ForMaskedLM.from_pretrained(tmp_path)
    assert set(ours.load_report.newly_initialised) == {
        "deberta.embeddings.position.weight",
        *(f"lm_head.{part}.{kind}" for part in ("dense", "norm") for kind in ("weight", "bias")),
        "lm_head.bias",
    }
    assert "newly initialised and to be trained: deberta.embeddings.position, lm_head, lm_head.dense" in caplog.text
    assert all(parameter.isfinite().all() for parameter in ours.parameters())
    close(DebertaV2Model.from_pretrained(tmp_path)(IDS, MASK).last_hidden_state, theirs(IDS, MASK).last_hidden_state)


HEADS = {
    "SequenceClassification": {"num_labels": 3},
    "TokenClassification": {"num_labels": 5},
    "QuestionAnswering": {},
    "MultipleChoice": {},
}


@pytest.mark.parametrize("head", HEADS)
def test_other_heads_there_and_back(head, tmp_path):
    theirs = random_model(f"DebertaV2For{head}", transformers.DebertaV2Config(**V2, **HEADS[head]))
    theirs.save_pretrained(tmp_path)
    ours = getattr(models, f"DebertaV2For{head}").from_pretrained(tmp_path)
    assert ours.load_report.newly_initialised == ours.load_report.ignored == ()
    ours.save_pretrained(tmp_path / "again")
    again, info = getattr(transformers, f"AutoModelFor{head}").from_pretrained(
        tmp_path / "again", output_loading_info=True
    )
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    ids, mask = (IDS[None], MASK[None]) if head == "MultipleChoice" else (IDS, MASK)

    def logits(model):
        with torch.no_grad():
            output = model.eval()(ids, attention_mask=mask)
        if head == "QuestionAnswering" and model is not ours:
            stacked = torch.stack([output.start_logits, output.end_logits], dim=-1)
        else:
            stacked = output.logits
        return stacked * MASK[..., None] if head in ("TokenClassification", "QuestionAnswering") else stacked

    expected = logits(theirs)
    torch.testing.assert_close(logits(ours), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(logits(again), expected, atol=1e-5, rtol=1e-5)


def test_a_sequence_classifier_is_none_of_tokens_or_choices(tmp_path):
    config = transformers.DebertaV2Config(**V2, num_labels=3)
    random_model("DebertaV2ForSequenceClassification", config).save_pretrained(tmp_path)
    for head in ("TokenClassification", "MultipleChoice"):
        model = getattr(models, f"DebertaV2For{head}").from_pretrained(tmp_path)
        assert model.load_report.newly_initialised == ("classifier.bias", "classifier.weight")
