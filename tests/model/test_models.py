import pytest
import torch

from korscideberta.errors import ConfigError, DataError
from korscideberta.model import DebertaV2Config, DebertaV2ForSequenceClassification, DebertaV2Model

CONFIG = DebertaV2Config(
    vocab_size=60,
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=32,
    max_position_embeddings=40,
    position_buckets=8,
    initializer_range=0.2,
    id2label=("a", "b", "c"),
)


def build(config=CONFIG, cls=DebertaV2ForSequenceClassification, **options):
    torch.manual_seed(0)
    return cls(config, **options).eval()


def tokens(lengths, width=None):
    torch.manual_seed(1)
    width = width or max(lengths)
    mask = (torch.arange(width) < torch.tensor(lengths)[:, None]).long()
    return torch.randint(1, 60, (len(lengths), width)) * mask, mask


@torch.no_grad()
def test_padding_does_not_change_a_sequence():
    model = build()
    ids, mask = tokens([9, 3, 14])
    together = model(ids, mask).logits
    wider = torch.nn.functional.pad(ids, (0, 20)), torch.nn.functional.pad(mask, (0, 20))
    torch.testing.assert_close(model(*wider).logits, together, atol=1e-6, rtol=0)
    for row, length in enumerate([9, 3, 14]):
        torch.testing.assert_close(model(ids[row : row + 1, :length]).logits[0], together[row], atol=1e-6, rtol=0)


@torch.no_grad()
def test_packed_input_equals_padded_input():
    model = build()
    ids, mask = tokens([9, 3, 14])
    labels = torch.tensor([0, 1, 2])
    padded = model(ids, mask, labels=labels, output_hidden_states=True)
    packed = model.forward_packed(ids[mask.bool()], torch.tensor([0, 9, 12]), labels=labels, output_hidden_states=True)
    torch.testing.assert_close(packed.logits, padded.logits)
    torch.testing.assert_close(packed.loss, padded.loss)
    for a, b in zip(packed.hidden_states, padded.hidden_states, strict=True):
        torch.testing.assert_close(a, b[mask.bool()])
    bare = model.deberta.forward_packed(ids[mask.bool()], torch.tensor([0, 9, 12]))
    torch.testing.assert_close(bare.last_hidden_state, packed.hidden_states[-1])


@pytest.mark.parametrize("attention", ["dense", "strided"])
def test_rows_of_padding_alone_stay_finite(attention):
    model = build(attention=attention)
    for lengths in ([5, 0], [0, 0]):
        ids, mask = tokens(lengths, width=6)
        output = model(ids, mask, labels=torch.tensor([0, 1]), output_hidden_states=True)
        assert output.logits.isfinite().all()
        assert all(state.shape == (2, 6, 16) for state in output.hidden_states)
        model.zero_grad()
        output.loss.backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("attention", ["dense", "strided"])
def test_bfloat16_is_finite_and_near_float32(attention):
    model = build(attention=attention)
    ids, mask = tokens([30, 2, 0, 17])
    labels = torch.tensor([0, 1, 2, 0])
    reference = model(ids, mask).logits
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(ids, mask, labels=labels)
    output.loss.backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    assert (output.logits.float() - reference).abs().max() < 0.1
    model.to(torch.bfloat16)
    with torch.no_grad():
        whole = model(ids, mask).logits
    assert whole.dtype == torch.bfloat16
    assert (whole.float() - reference).abs().max() < 0.2


def test_kept_position_projections_follow_the_weights():
    model = build()
    ids, _ = tokens([12])

    def kept_and_fresh():
        with torch.no_grad():
            kept = model(ids).logits
        return kept, model(ids).logits.detach()

    kept_and_fresh()
    with torch.no_grad():
        model.deberta.encoder.layers[1].attention.key.weight.add_(0.5)
    torch.testing.assert_close(*kept_and_fresh())
    model.load_state_dict({name: tensor * 1.5 for name, tensor in model.state_dict().items()})
    torch.testing.assert_close(*kept_and_fresh())
    with torch.inference_mode():
        inferred = model(ids).logits
    torch.testing.assert_close(inferred.clone(), kept_and_fresh()[0])


def test_dropout_acts_in_training_alone():
    model = build()
    ids, mask = tokens([9, 5])
    assert torch.equal(model(ids, mask).logits, model(ids, mask).logits)
    model.train()
    assert not torch.equal(model(ids, mask).logits, model(ids, mask).logits)
    still = build(CONFIG.with_changes(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)).train()
    assert torch.equal(still(ids, mask).logits, still(ids, mask).logits)


def test_every_weight_learns():
    model = build().train()
    ids, mask = tokens([9, 5])
    model(ids, mask, labels=torch.tensor([0, 1])).loss.backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


def test_hidden_states_only_when_asked():
    model = build(cls=DebertaV2Model)
    ids, mask = tokens([4])
    assert model(ids, mask).hidden_states is None
    assert model(ids, mask).last_hidden_state.shape == (1, 4, 16)


@pytest.mark.parametrize(
    ("problem", "labels", "message"),
    [
        (None, torch.zeros(2, 3), "one label index a row"),
        (None, torch.zeros(2), "one label index a row"),
        ("multi_label_classification", torch.zeros(2), r"shape \(2, 3\)"),
        ("regression", torch.zeros(2), "2 rows of 3 values"),
    ],
)
def test_labels_that_do_not_fit(problem, labels, message):
    model = build(CONFIG.with_changes(problem_type=problem))
    with pytest.raises(DataError, match=message):
        model(*tokens([3, 2]), labels=labels)


def test_one_label_is_regression():
    model = build(CONFIG.with_labels(["score"]))
    output = model(*tokens([3, 2]), labels=torch.tensor([1.0, 2.0]))
    expected = ((output.logits[:, 0] - torch.tensor([1.0, 2.0])) ** 2).mean()
    torch.testing.assert_close(output.loss, expected)


def test_wrong_shapes_and_lengths():
    model = build()
    ids, mask = tokens([3, 2])
    with pytest.raises(DataError, match="batch, length"):
        model(ids[0])
    with pytest.raises(DataError, match="attention_mask has shape"):
        model(ids, mask[:, :2])
    absolute = build(CONFIG.with_changes(position_biased_input=True))
    with pytest.raises(DataError, match="41 pieces exceeds the model's 40"):
        absolute(*tokens([41]))


def test_unknown_attention():
    with pytest.raises(ConfigError, match="did you mean 'dense'"):
        build(attention="dens")
