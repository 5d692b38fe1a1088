"""Length-bucketed batches whose order is a pure function of (seed, epoch), and a process's share of one.

Shapes: B batch, L tokens of the longest example in the batch, C labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from korscideberta.data.encoding import EncodedExample, target_distribution
from korscideberta.errors import DataError

_BUCKET_BATCHES = 50


@dataclass(frozen=True)
class Batch:
    """Padded model inputs and, when gold labels are known, their target distribution."""

    input_ids: Tensor
    """(B, L)"""
    attention_mask: Tensor
    """(B, L), 1 on real tokens"""
    token_type_ids: Tensor
    """(B, L)"""
    targets: Tensor | None
    """(B, C), rows sum to 1"""

    def to(self, device: torch.device) -> Batch:
        """Return the batch on `device`."""
        return Batch(
            self.input_ids.to(device, non_blocking=True),
            self.attention_mask.to(device, non_blocking=True),
            self.token_type_ids.to(device, non_blocking=True),
            None if self.targets is None else self.targets.to(device, non_blocking=True),
        )


def collate(examples: Sequence[EncodedExample], pad_token_id: int, num_labels: int | None) -> Batch:
    """Pad examples on the right to the longest; `num_labels` None leaves the targets out."""
    shape_BL = (len(examples), max(len(example.input_ids) for example in examples))
    ids_BL = np.full(shape_BL, pad_token_id, dtype=np.int64)
    mask_BL = np.zeros(shape_BL, dtype=np.int64)
    types_BL = np.zeros(shape_BL, dtype=np.int64)
    for row, example in enumerate(examples):
        length = len(example.input_ids)
        ids_BL[row, :length] = example.input_ids
        mask_BL[row, :length] = 1
        types_BL[row, :length] = example.token_type_ids
    targets = None
    if num_labels is not None:
        targets = torch.from_numpy(target_distribution([example.gold for example in examples], num_labels))
    return Batch(torch.from_numpy(ids_BL), torch.from_numpy(mask_BL), torch.from_numpy(types_BL), targets)


def train_order(
    lengths: Sequence[int], batch_size: int, seed: int, epoch: int, *, batch_tokens: int | None = None
) -> list[list[int]]:
    """Return the batches of one epoch, each of all processes together, as lists of example indices.

    Examples are shuffled, sorted by length within buckets of some 50 batches so that a batch holds texts of like
    length, and the batches are shuffled again. Every example occurs exactly once. A batch is sorted by length.

    Args:
        lengths: tokens of every example.
        batch_size: examples a batch; the last one of the last bucket may have fewer.
        seed: decides the order together with `epoch`.
        epoch: from 0.
        batch_tokens: tokens a batch at most, in place of `batch_size`; the last one of a bucket may have far fewer.

    Raises:
        DataError: an example alone has more than `batch_tokens` tokens.
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    weights, limit = (np.ones_like(sizes), batch_size) if batch_tokens is None else (sizes, batch_tokens)
    if weights.max(initial=0) > limit:
        raise DataError(
            f"--batch-tokens {batch_tokens}: an example has {sizes.max()} tokens; give at least as many, "
            "or lower --max-length"
        )
    random = np.random.default_rng((seed, epoch))
    shuffled = random.permutation(len(sizes))
    batches: list[list[int]] = []
    for start, end in _runs(weights[shuffled], _BUCKET_BATCHES * limit):
        bucket = shuffled[start:end]
        bucket = bucket[np.argsort(sizes[bucket], kind="stable")]
        batches += [bucket[first:last].tolist() for first, last in _runs(weights[bucket], limit)]
    return [batches[i] for i in random.permutation(len(batches))]


def share(batch: Sequence[int], rank: int, world_size: int) -> list[int]:
    """Return the part of a batch that belongs to one of `world_size` processes; all parts together are the batch.

    The examples are dealt forth and back from the last on, so that of a batch sorted by length every part has nearly as
    many tokens. Where there are fewer examples than processes, some parts are empty.
    """
    period = 2 * world_size
    places = (place % period for place in range(len(batch) - 1, -1, -1))
    return [example for example, place in zip(batch, places, strict=True) if rank in (place, period - 1 - place)]


def _runs(weights: NDArray[np.int64], limit: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of the longest runs that weigh at most `limit`, one after another."""
    ends = np.cumsum(weights)
    start = 0
    while start < len(weights):
        end = int(np.searchsorted(ends, ends[start] - weights[start] + limit, side="right"))
        yield start, end
        start = end


def eval_order(lengths: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Yield batches of indices, longest texts first: the least padding, and memory trouble shows at once."""
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
