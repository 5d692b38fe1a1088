from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from korscideberta.data.batching import collate, eval_order, train_order
from korscideberta.data.encoding import EncodedExample

LENGTHS = st.lists(st.integers(2, 200), min_size=1, max_size=300)


@given(LENGTHS, st.integers(1, 40), st.integers(0, 5), st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_every_example_once_and_the_same_again(lengths, batch_size, seed, epoch):
    batches = train_order(lengths, batch_size, seed, epoch)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert len(batches) == -(-len(lengths) // batch_size)
    assert batches == train_order(lengths, batch_size, seed, epoch)
    assert sorted(i for batch in eval_order(lengths, batch_size) for i in batch) == list(range(len(lengths)))


def test_epochs_and_seeds_differ_and_buckets_save_padding():
    lengths = np.random.default_rng(0).integers(5, 200, 2000).tolist()
    batches = train_order(lengths, 20, 0, 0)
    assert batches != train_order(lengths, 20, 0, 1)
    assert batches != train_order(lengths, 20, 1, 0)
    padded = sum(len(batch) * max(lengths[i] for i in batch) for batch in batches)
    assert padded < 1.1 * sum(lengths)


def test_collate_pads_and_shares_the_target():
    examples = [EncodedExample((1, 5, 2), (0, 0, 0), (1,)), EncodedExample((1, 2), (0, 1), (2, 0))]
    batch = collate(examples, pad_token_id=9, num_labels=3)
    assert batch.input_ids.tolist() == [[1, 5, 2], [1, 2, 9]]
    assert batch.attention_mask.tolist() == [[1, 1, 1], [1, 1, 0]]
    assert batch.token_type_ids.tolist() == [[0, 0, 0], [0, 1, 0]]
    assert torch.equal(batch.targets, torch.tensor([[0, 1, 0], [0.5, 0, 0.5]]))
    assert collate(examples, 0, None).targets is None
