"""Length-bucketed batches whose order is a pure function of (seed, epoch).

Shapes: B batch, L tokens of the longest example in the batch, C labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from korscideberta.data.encoding import EncodedExample, target_distribution

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


def train_order(lengths: Sequence[int], batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Return the batches of one epoch as lists of example indices.

    Examples are shuffled, sorted by length within buckets of 50 batches so that a batch holds texts of like length,
    and the batches are shuffled again. Every example occurs exactly once.
    """
    random = np.random.default_rng((seed, epoch))
    shuffled = random.permutation(len(lengths))
    batches: list[list[int]] = []
    for start in range(0, len(shuffled), _BUCKET_BATCHES * batch_size):
        bucket = sorted(shuffled[start : start + _BUCKET_BATCHES * batch_size].tolist(), key=lambda i: lengths[i])
        batches += [bucket[i : i + batch_size] for i in range(0, len(bucket), batch_size)]
    return [batches[i] for i in random.permutation(len(batches))]


def eval_order(lengths: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Yield batches of indices, longest texts first: the least padding, and memory trouble shows at once."""
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
