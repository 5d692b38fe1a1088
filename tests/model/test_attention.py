import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from korscideberta.errors import ConfigError
from korscideberta.model.attention import PositionTerms, choose_attention
from korscideberta.model.attention.strided import skew
from korscideberta.model.packing import Packing
from korscideberta.model.positions import log_bucket, offset_rows, pair_rows


def test_small_offsets_keep_their_own_row_and_far_ones_share():
    offset = torch.arange(-600, 601)  # beyond the span, too
    bucket = log_bucket(offset, 256, 512)
    near = offset.abs() <= 128
    assert torch.equal(bucket[near], offset[near])
    assert torch.equal(bucket, -bucket.flip(0))
    assert (bucket.diff() >= 0).all()
    assert bucket[offset == 511] == 255


@pytest.mark.parametrize("buckets", [-1, 2, 8, 30])
@pytest.mark.parametrize("length", [1, 2, 31, 32, 33, 200])
def test_rows_stay_inside_the_table(buckets, length):
    rows = offset_rows(length, buckets, 32)
    assert rows.shape == (2 * length - 1,)
    assert (rows.diff() >= 0).all()
    assert rows.min() >= 0
    assert rows.max() < 2 * (buckets if buckets > 0 else 32)
    pairs = pair_rows(rows)
    assert pairs[length - 1, 0] == rows[-1]
    assert pairs[0, length - 1] == rows[0]


@pytest.mark.parametrize("length", [1, 2, 5])
def test_skew_is_the_diagonal_read(length):
    x = torch.randn(2, length, 2 * length - 1)
    expected = torch.stack(
        [torch.stack([x[:, a, length - 1 - a + b] for b in range(length)], -1) for a in range(length)], 1
    )
    assert torch.equal(skew(x), expected)
    inside = torch.randn(3, 2, length, 2 * length - 1)[1]  # a view that does not start its storage
    assert torch.equal(skew(inside), skew(inside.clone()))


@pytest.mark.parametrize("length", [1, 2, 4])
def test_skew_gradients(length):
    x = torch.randn(2, length, 2 * length - 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(skew, (x,))
    assert torch.autograd.gradgradcheck(skew, (x,))


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=4).filter(any),
    terms=st.sampled_from(["c2p", "p2c", "both", "none"]),
    seed=st.integers(0, 1000),
)
def test_strided_equals_dense_forward_and_backward(lengths, terms, seed):
    generator = torch.Generator().manual_seed(seed)
    heads, size = 2, 4
    packing = Packing.from_mask(torch.arange(max(lengths)) < torch.tensor(lengths)[:, None])
    rows = offset_rows(packing.length, 8, 32)
    used = int(rows[-1] - rows[0]) + 1
    tensors = [
        torch.randn(count, heads, size, generator=generator, dtype=torch.float64, requires_grad=True)
        for count in [sum(lengths)] * 3 + [used] * 2
    ]
    q, k, v, pos_k, pos_q = tensors
    weight = torch.randn(sum(lengths), heads, size, generator=generator, dtype=torch.float64)
    results = []
    for name in ("dense", "strided"):
        position_terms = PositionTerms(
            key_UHE=pos_k if terms in ("c2p", "both") else None,
            query_UHE=pos_q if terms in ("p2c", "both") else None,
            rows_O=rows - rows[0],
        )
        attend = choose_attention(name)
        out = attend(q, k, v, terms=None if terms == "none" else position_terms, packing=packing, dropout=0.0)
        results.append([out, *torch.autograd.grad((out * weight).sum(), tensors, allow_unused=True)])
    for dense, strided in zip(*results, strict=True):
        assert (dense is None) == (strided is None)
        if dense is not None:
            torch.testing.assert_close(strided, dense, rtol=1e-6, atol=1e-9)


def test_unknown_implementation_is_refused():
    with pytest.raises(ConfigError, match="did you mean 'strided'"):
        choose_attention("stride")


@pytest.mark.parametrize("lengths", [[3, 0, 5], [4, 4], [0, 0], [1]])
def test_packing_round_trip(lengths):
    mask = torch.arange(6) < torch.tensor(lengths)[:, None]
    from_mask = Packing.from_mask(mask)
    starts = torch.tensor([sum(lengths[:index]) for index in range(len(lengths))])
    from_starts = Packing.from_starts(starts, sum(lengths))
    assert torch.equal(from_mask.place_T, from_starts.place_T)
    x = torch.randn(sum(lengths), 3)
    assert torch.equal(from_starts.pack(from_mask.pad(x)), x)
    first = from_mask.first(x)
    for row, length in enumerate(lengths):
        expected = x[starts[row]] if length else torch.zeros(3)
        assert torch.equal(first[row], expected)
