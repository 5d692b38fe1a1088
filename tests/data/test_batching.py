from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from korscideberta.data.batching import Tokens, collate, eval_order, share, train_order
from korscideberta.data.encoding import EncodedExample
from korscideberta.errors import DataError

LENGTHS = st.lists(st.integers(2, 200), min_size=1, max_size=300)


@given(LENGTHS, st.integers(1, 40), st.integers(0, 5), st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_every_example_once_and_the_same_again(lengths, batch_size, seed, epoch):
    batches = train_order(lengths, batch_size, seed, epoch)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert len(batches) == -(-len(lengths) // batch_size)
    assert batches == train_order(lengths, batch_size, seed, epoch)
    assert sorted(i for batch in eval_order(lengths, batch_size) for i in batch) == list(range(len(lengths)))


@given(LENGTHS, st.integers(200, 2000), st.integers(0, 5), st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_batches_of_tokens_hold_as_many_as_fit(lengths, tokens, seed, epoch):
    batches = train_order(lengths, 32, seed, epoch, batch_tokens=tokens)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    totals = [sum(lengths[i] for i in batch) for batch in batches]
    assert max(totals) <= tokens
    # Only the last batch of a bucket has room for another example of any length.
    assert sum(total + max(lengths) <= tokens for total in totals) <= -(-sum(lengths) // (50 * tokens - max(lengths)))
    assert batches == train_order(lengths, 1, seed, epoch, batch_tokens=tokens)


def test_an_example_beyond_the_budget():
    with pytest.raises(DataError, match=r"--batch-tokens 10: an example has 11 tokens"):
        train_order([4, 11, 3], 32, 0, 0, batch_tokens=10)


@given(LENGTHS, st.integers(1, 9))
@settings(max_examples=50, deadline=None)
def test_shares_make_up_the_batch_and_are_alike(lengths, world_size):
    batch = sorted(range(len(lengths)), key=lambda i: lengths[i])
    shares = [share(batch, rank, world_size) for rank in range(world_size)]
    assert sorted(index for part in shares for index in part) == sorted(batch)
    sizes, tokens = [len(part) for part in shares], [sum(lengths[i] for i in part) for part in shares]
    assert max(sizes) - min(sizes) <= 1
    assert max(tokens) - min(tokens) <= max(lengths)
    assert share(batch, 0, 1) == batch


def test_epochs_and_seeds_differ_and_buckets_save_padding():
    lengths = np.random.default_rng(0).integers(5, 200, 2000).tolist()
    batches = train_order(lengths, 20, 0, 0)
    assert batches != train_order(lengths, 20, 0, 1)
    assert batches != train_order(lengths, 20, 1, 0)
    padded = sum(len(batch) * max(lengths[i] for i in batch) for batch in batches)
    assert padded < 1.1 * sum(lengths)


def test_collate_packs_and_shares_the_target():
    examples = [EncodedExample((1, 5, 2), (0, 0, 0), (1,)), EncodedExample((1, 2), (0, 1), (2, 0))]
    batch = collate(examples, num_labels=3)
    assert len(batch) == 2
    assert batch.input_ids.tolist() == [1, 5, 2, 1, 2]
    assert batch.token_type_ids.tolist() == [0, 0, 0, 0, 1]
    assert batch.starts.tolist() == [0, 3]
    assert torch.equal(batch.targets, torch.tensor([[0, 1, 0], [0.5, 0, 0.5]]))
    assert collate(examples, None).targets is None


@given(lengths=st.lists(st.integers(1, 50), max_size=40), tokens=st.integers(1, 120))
def test_batches_of_so_many_tokens(lengths, tokens):
    batches = list(eval_order(lengths, Tokens(tokens)))
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    sizes = [[lengths[index] for index in batch] for batch in batches]
    assert [size for batch in sizes for size in batch] == sorted(lengths, reverse=True)
    assert all(sum(batch) <= tokens or len(batch) == 1 for batch in sizes)
    # No batch ends before it must.
    for batch, following in pairwise(sizes):
        assert sum(batch) + following[0] > tokens
