"""Attention in blocks against the textbook form, with blocks so small that every sequence needs several."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from korscideberta.model.attention import PositionTerms, blocks
from korscideberta.model.attention.dense import attend_dense
from korscideberta.model.attention.strided import attend_strided
from korscideberta.model.packing import Packing
from korscideberta.model.positions import offset_rows

HEADS, SIZE = 3, 4


@pytest.fixture(autouse=True, params=[0, 100], ids=["made again", "kept"])
def _small_blocks(monkeypatch, request):
    monkeypatch.setattr(blocks, "_SCORES_PER_THREAD", 200)
    monkeypatch.setattr(blocks, "_MOST_QUERIES", 16)
    monkeypatch.setattr(blocks, "_FEWEST_QUERIES", 5)
    monkeypatch.setattr(blocks, "_TILE", 7)
    monkeypatch.setattr(blocks, "_KEPT_LENGTH", request.param)


def case(lengths, terms="both", seed=0, dtype=torch.float64):
    """The tensors of a call that gradients flow to, its other arguments and weights for its output."""
    generator = torch.Generator().manual_seed(seed)
    packing = Packing.from_mask(torch.arange(max(lengths)) < torch.tensor(lengths)[:, None])
    rows = offset_rows(packing.length, 8, 32)
    used = int(rows[-1] - rows[0]) + 1
    tensors = [
        torch.randn(count, HEADS, SIZE, generator=generator, dtype=dtype, requires_grad=True)
        for count in [sum(lengths)] * 3 + [used] * 2
    ]
    weight = torch.randn(sum(lengths), HEADS, SIZE, generator=generator, dtype=dtype)

    def run(attend, dropout=0.0):
        position_terms = PositionTerms(
            key_UHE=tensors[3] if terms in ("c2p", "both") else None,
            query_UHE=tensors[4] if terms in ("p2c", "both") else None,
            rows_O=rows - rows[0],
        )
        return attend(*tensors[:3], terms=None if terms == "none" else position_terms, packing=packing, dropout=dropout)

    return tensors, packing, weight, run


def assert_same(tensors, weight, found, expected, **tolerance):
    torch.testing.assert_close(found, expected, **tolerance)
    grads = (torch.autograd.grad((out * weight).sum(), tensors, allow_unused=True) for out in (found, expected))
    for mine, reference in zip(*grads, strict=True):
        assert (mine is None) == (reference is None)
        if mine is not None:
            torch.testing.assert_close(mine, reference, **tolerance)


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 50), min_size=1, max_size=4).filter(any),
    terms=st.sampled_from(["c2p", "p2c", "both", "none"]),
    seed=st.integers(0, 1000),
)
def test_blocks_equal_dense_forward_and_backward(lengths, terms, seed):
    tensors, _, weight, run = case(lengths, terms, seed)
    assert_same(tensors, weight, run(attend_strided), run(attend_dense), rtol=1e-9, atol=1e-11)


def test_gradients_are_the_numerical_ones():
    tensors, packing, _, run = case([9, 1, 6])
    assert packing.spans == ((0, 9), (9, 10), (10, 16))
    assert torch.autograd.gradcheck(lambda *_: run(attend_strided), tuple(tensors))


@pytest.mark.parametrize("terms", ["both", "none"])
def test_dropout_drops_the_same_in_both_directions(terms, monkeypatch):
    lengths, rate = [23], 0.3
    kept = []
    draw = blocks._Work.kept_GML

    def record(work, shape):
        kept.append(draw(work, shape).clone())
        return kept[-1]

    monkeypatch.setattr(blocks._Work, "kept_GML", record)
    tensors, packing, weight, run = case(lengths, terms)
    torch.manual_seed(3)
    found = run(attend_strided, rate)
    forward = list(kept)
    # Put the factors of the blocks together, and let dense multiply by the whole instead of drawing its own.
    whole = torch.zeros(HEADS, 1, lengths[0], lengths[0], dtype=torch.float64)
    for block, factor in zip(blocks._blocks(packing.spans, HEADS), forward, strict=True):
        whole[block.heads, 0, block.first : block.end] = factor
    assert set(whole.unique().tolist()) == {0.0, 1.0}
    assert abs(whole.mean() - (1 - rate)) < 0.05
    whole /= 1 - round(rate * 65536) / 65536
    monkeypatch.setattr(F, "dropout", lambda prob, *_, **__: prob * whole)
    assert_same(tensors, weight, found, run(attend_dense, rate), rtol=1e-9, atol=1e-11)
    for again, first in zip(kept[len(forward) :], forward, strict=True):
        assert torch.equal(again, first)


def test_dropout_follows_the_seed_and_the_rate():
    _, _, _, run = case([30])
    outs = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        outs.append(run(attend_strided, 0.5))
    assert torch.equal(outs[0], outs[1])
    assert not torch.allclose(outs[0], outs[2])
    mean = torch.stack([run(attend_strided, 0.1) for _ in range(60)]).mean(0)
    assert (mean - run(attend_strided)).abs().mean() < 0.05


def test_checkpointing_repeats_the_dropout():
    tensors, _, weight, run = case([20, 31])
    torch.manual_seed(5)
    plain = run(attend_strided, 0.2)
    torch.manual_seed(5)
    saved = checkpoint(lambda *_: run(attend_strided, 0.2), *tensors, use_reentrant=False)
    assert_same(tensors, weight, saved, plain, rtol=0, atol=0)


def test_half_precision_stays_near():
    dtype = torch.bfloat16
    tensors, _, weight, run = case([40, 3, 17], dtype=dtype)
    doubles, _, _, exact = case([40, 3, 17], dtype=torch.float64)
    for double, half in zip(doubles, tensors, strict=True):
        double.data.copy_(half)
    found, expected = run(attend_strided), exact(attend_strided)
    assert found.dtype == dtype
    grads = torch.autograd.grad((found * weight).sum(), tensors)
    references = torch.autograd.grad((expected * weight.double()).sum(), doubles)
    for mine, reference in zip([found, *grads], [expected, *references], strict=True):
        assert mine.dtype == dtype
        assert (mine.double() - reference).norm() < 0.03 * reference.norm()


def test_autocast_changes_nothing_inside():
    tensors, _, weight, run = case([30, 12], dtype=torch.float32)
    plain = run(attend_strided)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = run(attend_strided)
        assert_same(tensors, weight, inside, plain, rtol=0, atol=0)


def test_a_mask_with_holes_takes_the_padded_form():
    mask = torch.tensor([[1, 1, 0, 1, 1], [0, 1, 1, 1, 0]])
    packing = Packing.from_mask(mask)
    assert packing.spans is None
    assert Packing.from_mask(mask[1:]).spans == ((0, 3),)
    tensors = [torch.randn(count, HEADS, SIZE, dtype=torch.float64) for count in (7, 7, 7, 9, 9)]
    terms = PositionTerms(key_UHE=tensors[3], query_UHE=tensors[4], rows_O=torch.arange(9))
    found, expected = (
        attend(*tensors[:3], terms=terms, packing=packing, dropout=0.0) for attend in (attend_strided, attend_dense)
    )
    torch.testing.assert_close(found, expected)
