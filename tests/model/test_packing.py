"""Packed sequences: equal to padded ones, apart from one another, and no larger than their tokens."""

import itertools

import pytest
import torch

from korscideberta.errors import DataError
from korscideberta.model import (
    DebertaV2Config,
    DebertaV2ForMultipleChoice,
    DebertaV2ForSequenceClassification,
    DebertaV2ForTokenClassification,
    DebertaV2Model,
)

KINDS = {
    "korsci": {},
    "convolution": {"conv_kernel_size": 5, "conv_act": "gelu"},
    "absolute and types": {"position_biased_input": True, "type_vocab_size": 2},
    "version 1": {"share_att_key": False, "norm_rel_ebd": "none", "position_buckets": -1},
    "no relative": {"relative_attention": False, "pos_att_type": (), "norm_rel_ebd": "none"},
    "narrow embeddings": {"embedding_size": 8},
    "wide heads": {"attention_head_size": 24},
}
CASES = list(itertools.product(KINDS, ["dense", "strided"]))
LENGTHS = [9, 1, 3, 14, 2]


def build(kind, attention, **changes):
    values = {
        "vocab_size": 60,
        "hidden_size": 16,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 70,
        "position_buckets": 8,
        "initializer_range": 0.2,
        **KINDS[kind],
        **changes,
    }
    torch.manual_seed(0)
    return DebertaV2Model(DebertaV2Config(**values), attention).eval()


def batch(lengths):
    torch.manual_seed(1)
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    ids, types = torch.randint(1, 60, mask.shape) * mask, torch.randint(0, 2, mask.shape) * mask
    starts = torch.tensor([0, *itertools.accumulate(lengths[:-1])])
    return ids, mask, types, starts


@torch.no_grad()
@pytest.mark.parametrize(("kind", "attention"), CASES)
def test_padded_and_packed_agree(kind, attention):
    model = build(kind, attention)
    ids, mask, types, starts = batch(LENGTHS)
    real = mask.bool()
    padded = model(ids, mask, types).last_hidden_state
    packed = model.forward_packed(ids[real], starts, types[real]).last_hidden_state
    torch.testing.assert_close(packed, padded[real], atol=1e-6, rtol=0)
    model.double()  # products of other shapes round otherwise
    padded = model(ids, mask, types).last_hidden_state
    for row, length in enumerate(LENGTHS):
        alone = model(ids[row : row + 1, :length], None, types[row : row + 1, :length]).last_hidden_state[0]
        torch.testing.assert_close(padded[row, :length], alone, atol=1e-12, rtol=0)
        assert (padded[row, length:] == 0).all()


@pytest.mark.parametrize(("kind", "attention"), CASES)
def test_documents_in_one_row_never_meet(kind, attention):
    model = build(kind, attention)
    ids, mask, types, starts = batch(LENGTHS)
    real = mask.bool()
    embedded = []
    model.embeddings.register_forward_hook(lambda _, __, out: embedded.append(out))
    states = model.forward_packed(ids[real], starts, types[real]).last_hidden_state
    bounds = [*starts.tolist(), sum(LENGTHS)]
    for first, end in itertools.pairwise(bounds):
        weight = torch.rand(end - first, 16)  # a plain sum of normed states has no gradient
        (gradient,) = torch.autograd.grad((states[first:end] * weight).sum(), embedded[0], retain_graph=True)
        assert (gradient[first:end] != 0).any(1).all()
        assert (gradient[:first] == 0).all()
        assert (gradient[end:] == 0).all()


@pytest.mark.parametrize("starts", [[1, 9], [0, 9, 5], [0, 11], [], [[0, 3]]])
def test_starts_that_do_not_rise(starts):
    with pytest.raises(DataError, match="starts"):
        build("korsci", "dense").forward_packed(torch.arange(1, 11), torch.tensor(starts))


def kept_for_backward(model, *arguments):
    """Bytes by the leading size of every tensor kept, the parameters left out."""
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept = {}

    def keep(x):
        storage = x.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = (x.shape[0] if x.dim() else 0, storage.nbytes(), x)
        return x

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        output = model(*arguments)
    del output
    by_size = {}
    for size, count, _ in kept.values():
        by_size[size] = by_size.get(size, 0) + count
    return by_size


def test_memory_grows_with_real_tokens():
    model = build("korsci", "strided", hidden_size=64, intermediate_size=256)
    sizes = {}
    for lengths in ([64, 6, 5, 6], [64, 64, 64, 64]):
        ids, mask, _, _ = batch(lengths)
        sizes[sum(lengths)] = kept_for_backward(model, ids, mask)
    few, many = sizes[81], sizes[256]
    # What linear layers and norms keep has one line for each real token, and about as much of it for each.
    assert 256 not in few
    assert few[81] / 81 < 1.3 * many[256] / 256
    # Attention's rows are as long as the longest sequence, and the relative table is as large whatever the batch.
    assert sum(few.values()) < 0.6 * sum(many.values())


@pytest.mark.parametrize("head", [DebertaV2ForSequenceClassification, DebertaV2ForTokenClassification])
def test_a_training_step_of_a_packed_batch_is_exactly_that_of_the_padded_one(head):
    """The same logits, labels by sequence or by token, and the same gradients to the last bit, dropout included."""
    ids, mask, types, starts = batch(LENGTHS)
    real = mask.bool()
    config = build("absolute and types", "strided").config.with_changes(hidden_dropout_prob=0.1).with_labels("ABC")
    model = head(config).train()
    of_rows = torch.tensor([0, 2, 1, 0, 2])
    of_tokens = torch.where(real, torch.arange(real.numel()).view(real.shape) % 3, -100)
    by_sequence = head is DebertaV2ForSequenceClassification
    found = []
    for packed in (False, True):
        model.zero_grad()
        torch.manual_seed(2)
        if packed:
            labels = of_rows if by_sequence else of_tokens[real]
            output = model(ids[real], token_type_ids=types[real], labels=labels, starts=starts)
        else:
            output = model(ids, mask, types, of_rows if by_sequence else of_tokens)
        output.loss.backward()
        logits = output.logits if by_sequence or packed else output.logits[real]
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        found.append([output.loss, logits, *gradients])
    assert len(found[0]) == len(found[1]) > 20
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_a_packed_choice_is_that_of_the_padded_one():
    torch.manual_seed(0)
    model = DebertaV2ForMultipleChoice(build("korsci", "strided").config).eval()
    ids, mask, _, starts = batch([9, 1, 3, 14])
    padded = model(ids.view(2, 2, -1), mask.view(2, 2, -1)).logits
    assert torch.equal(model(ids[mask.bool()], starts=starts, answers=2).logits, padded)
    with pytest.raises(DataError, match="number of answers"):
        model(ids[mask.bool()], starts=starts)


def test_what_a_packed_batch_must_not_have():
    model = build("korsci", "strided")
    ids, mask, types, starts = batch(LENGTHS)
    packed = ids[mask.bool()]
    with pytest.raises(DataError, match="no attention_mask"):
        model(packed, mask, starts=starts)
    with pytest.raises(DataError, match=r"\(tokens,\)"):
        model(ids, starts=starts)
    with pytest.raises(DataError, match="token_type_ids has shape"):
        model(packed, token_type_ids=types, starts=starts)
