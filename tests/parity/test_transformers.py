"""Agreement with transformers on random small models, float32, to 1e-5."""

import itertools

import pytest
import torch

from korscideberta.model import DebertaV2Config, DebertaV2ForSequenceClassification, DebertaV2Model
from korscideberta.model.checkpoints import load_weights

transformers = pytest.importorskip("transformers")

KINDS = {
    "korsci": {},
    "c2p": {"pos_att_type": ("c2p",)},
    "p2c": {"pos_att_type": ("p2c",)},
    "unshared": {"share_att_key": False},
    "unshared c2p": {"share_att_key": False, "pos_att_type": ("c2p",)},
    "unshared p2c": {"share_att_key": False, "pos_att_type": ("p2c",)},
    "no buckets": {"position_buckets": -1, "norm_rel_ebd": "none"},
    "span": {"max_relative_positions": 40},
    "absolute and types": {"position_biased_input": True, "type_vocab_size": 2},
    "no relative": {
        "relative_attention": False,
        "pos_att_type": (),
        "norm_rel_ebd": "none",
        "position_biased_input": True,
    },
    "convolution": {"conv_kernel_size": 3, "conv_act": "gelu"},
    "grouped convolution": {"conv_kernel_size": 5, "conv_groups": 4},
    "narrow embeddings": {"embedding_size": 10, "position_biased_input": True, "type_vocab_size": 2},
}


def small_config(**changes):
    values = {
        "vocab_size": 90,
        "hidden_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "intermediate_size": 40,
        "max_position_embeddings": 48,
        "position_buckets": 8,
        "initializer_range": 0.3,
        "id2label": ("a", "b", "c"),
        **changes,
    }
    return DebertaV2Config(**values)


def both(config, attention, head=True):
    """The same random weights in transformers' model and in ours."""
    torch.manual_seed(0)
    theirs_config = transformers.DebertaV2Config(**{k: v for k, v in config.to_dict().items() if k != "model_type"})
    name = "DebertaV2ForSequenceClassification" if head else "DebertaV2Model"
    theirs = getattr(transformers, name)(theirs_config).eval()
    ours = (DebertaV2ForSequenceClassification if head else DebertaV2Model)(config, attention).eval()
    report = load_weights(ours, theirs.state_dict(), source="transformers")
    assert report.ignored == report.newly_initialised == ()
    return theirs, ours


def batch(config, lengths, width=None):
    generator = torch.Generator().manual_seed(1)
    width = width or max(lengths)
    ids = torch.randint(1, config.vocab_size, (len(lengths), width), generator=generator)
    mask = (torch.arange(width) < torch.tensor(lengths)[:, None]).long()
    types = torch.randint(0, max(config.type_vocab_size, 1), ids.shape, generator=generator)
    return ids * mask, mask, types


def close(found, expected, tolerance=1e-5):
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=1e-5)


@pytest.mark.parametrize(("kind", "attention"), list(itertools.product(KINDS, ["dense", "strided"])))
def test_hidden_states_logits_and_gradients(kind, attention):
    config = small_config(**KINDS[kind])
    theirs, ours = both(config, attention)
    ids, mask, types = batch(config, [30, 7, 1, 22], width=33)
    labels = torch.tensor([0, 2, 1, 1])
    expected = theirs(ids, mask, types, labels=labels, output_hidden_states=True)
    found = ours(ids, mask, types, labels, output_hidden_states=True)
    for state, reference in zip(found.hidden_states, expected.hidden_states, strict=True):
        close(state, reference * mask[..., None])
    close(found.logits, expected.logits)
    close(found.loss, expected.loss)
    found.loss.backward()
    expected.loss.backward()
    reference = dict(theirs.named_parameters())
    close(ours.deberta.embeddings.word.weight.grad, reference["deberta.embeddings.word_embeddings.weight"].grad, 1e-4)
    if config.relative_attention:
        close(ours.deberta.encoder.relative.weight.grad, reference["deberta.encoder.rel_embeddings.weight"].grad, 1e-4)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 9, 16, 17, 31, 47, 48])
@pytest.mark.parametrize("attention", ["dense", "strided"])
def test_any_length(length, attention):
    # Beyond the 48 positions of this table transformers leaves the original; see test_golden.py.
    config = small_config(num_hidden_layers=1, hidden_size=12, intermediate_size=12)
    theirs, ours = both(config, attention, head=False)
    ids, _, _ = batch(config, [length])
    with torch.no_grad():
        close(ours(ids).last_hidden_state, theirs(ids).last_hidden_state)


@pytest.mark.parametrize("attention", ["dense", "strided"])
def test_heads_of_another_width(attention):
    # Wider heads whose additional columns are 0 are the ordinary model, but for the scale of the scores.
    config = small_config()
    theirs, ordinary = both(config, "dense")
    wide = DebertaV2ForSequenceClassification(config.with_changes(attention_head_size=16), attention).eval()
    weights = dict(ordinary.state_dict())
    for name, weight in weights.items():
        if ".attention." in name:
            by_head = weight.unflatten(0, (3, 8))
            widened = torch.cat([by_head, torch.zeros_like(by_head)], 1).flatten(0, 1)
            weights[name] = widened * 2**0.5 if ".query." in name else widened
        elif name.endswith("attention_output.dense.weight"):
            by_head = weight.unflatten(1, (3, 8))
            weights[name] = torch.cat([by_head, torch.zeros_like(by_head)], 2).flatten(1)
    wide.load_state_dict(weights)
    ids, mask, _ = batch(config, [30, 7])
    with torch.no_grad():
        close(wide(ids, mask).logits, theirs(ids, mask).logits)


@pytest.mark.parametrize("kind", ["korsci", "absolute and types", "convolution"])
def test_masks_with_holes_and_left_padding(kind):
    config = small_config(**KINDS[kind])
    theirs, ours = both(config, "strided", head=False)
    ids, mask, types = batch(config, [20, 20, 20])
    mask[0, :6] = 0
    mask[1, 5:9] = 0
    with torch.no_grad():
        expected = theirs(ids, mask, types).last_hidden_state * mask[..., None]
        close(ours(ids, mask, types).last_hidden_state, expected)


@pytest.mark.parametrize("problem", ["multi_label_classification", "regression"])
def test_losses(problem):
    config = small_config(problem_type=problem)
    theirs, ours = both(config, "auto")
    ids, mask, _ = batch(config, [12, 5])
    targets = torch.tensor([[0.0, 1.0, 0.25], [1.0, 0.0, 0.5]])
    close(ours(ids, mask, labels=targets).loss, theirs(ids, mask, labels=targets).loss)


@pytest.mark.parametrize("kind", KINDS)
def test_saved_folder_is_read_by_transformers(kind, tmp_path):
    torch.manual_seed(3)
    config = small_config(**KINDS[kind])
    ours = DebertaV2ForSequenceClassification(config).eval()
    ours.save_pretrained(tmp_path)
    theirs, info = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert theirs.config.id2label == dict(enumerate(config.id2label))
    ids, mask, types = batch(config, [11, 4])
    with torch.no_grad():
        close(ours(ids, mask, types).logits, theirs.eval()(ids, mask, types).logits)


@pytest.mark.parametrize("kind", KINDS)
def test_folder_saved_by_transformers_is_read(kind, tmp_path):
    theirs, _ = both(small_config(**KINDS[kind]), "auto")
    theirs.save_pretrained(tmp_path)
    ours = DebertaV2ForSequenceClassification.from_pretrained(tmp_path)
    ids, mask, types = batch(ours.config, [11, 4])
    with torch.no_grad():
        close(ours(ids, mask, types).logits, theirs(ids, mask, types).logits)
    assert ours.load_report.newly_initialised == ()


def test_sharded_folder_is_read(tmp_path):
    theirs, _ = both(small_config(), "auto")
    theirs.save_pretrained(tmp_path, max_shard_size="8KB")
    assert (tmp_path / "model.safetensors.index.json").exists()
    ours = DebertaV2ForSequenceClassification.from_pretrained(tmp_path)
    ids, mask, _ = batch(ours.config, [11, 4])
    with torch.no_grad():
        close(ours(ids, mask).logits, theirs(ids, mask).logits)
