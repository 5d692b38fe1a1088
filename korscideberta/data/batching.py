"""Packed, length-bucketed batches whose order is a pure function of (seed, epoch), and a process's share of one.

Shapes: B sequences of a batch, T tokens they have together, C labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from korscideberta.data.encoding import EncodedExample, target_distribution
from korscideberta.errors import DataError

_BUCKET_BATCHES = 50


@dataclass(frozen=True)
class Tokens:
    """A size of batches in tokens: as many sequences as have `at_most` of them together, and one at least."""

    at_most: int


BatchSize = int | Tokens
"""How much a batch holds: so many sequences, or so many tokens."""


@dataclass(frozen=True)
class Batch:
    """Sequences that follow one another without padding and, when gold labels are known, what the loss compares."""

    input_ids: Tensor
    """(T,)"""
    token_type_ids: Tensor
    """(T,)"""
    starts: Tensor
    """(B,) where each sequence begins; stays on the CPU, where the model reads it."""
    targets: Tensor | None
    """As the objective wants them; of classification (B, C), rows sum to 1."""

    @property
    def inputs(self) -> dict[str, Tensor]:
        """The arguments of a model's `forward`."""
        return {"input_ids": self.input_ids, "token_type_ids": self.token_type_ids, "starts": self.starts}

    def __len__(self) -> int:
        """B, the number of sequences."""
        return self.starts.shape[0]

    def to(self, device: torch.device) -> Batch:
        """Return the batch on `device`; to a GPU it is copied while the GPU works on."""
        return replace(
            self,
            input_ids=_moved(self.input_ids, device),
            token_type_ids=_moved(self.token_type_ids, device),
            targets=None if self.targets is None else _moved(self.targets, device),
        )


def pack(examples: Sequence[EncodedExample], targets: Tensor | None) -> Batch:
    """Put examples one behind the other, beside targets that are made already."""
    lengths = [len(example.input_ids) for example in examples]
    return Batch(
        input_ids=_joined([example.input_ids for example in examples]),
        token_type_ids=_joined([example.token_type_ids for example in examples]),
        starts=torch.tensor([0, *accumulate(lengths[:-1])]),
        targets=targets,
    )


def _joined(parts: Sequence[Sequence[int]]) -> Tensor:
    # A fraction of the time of torch.tensor, during which the training thread could not go on.
    return torch.from_numpy(np.fromiter(chain.from_iterable(parts), np.int64, sum(map(len, parts))))


def collate(examples: Sequence[EncodedExample], num_labels: int | None, targets: str = "uniform") -> Batch:
    """Pack examples with their targets as in `target_distribution`; `num_labels` None leaves these out."""
    if num_labels is None:
        return pack(examples, None)
    gold = [example.gold for example in examples]
    return pack(examples, torch.from_numpy(target_distribution(gold, num_labels, targets)))


def _moved(tensor: Tensor, device: torch.device) -> Tensor:
    return (tensor.pin_memory() if device.type == "cuda" else tensor).to(device, non_blocking=True)


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


def split(batch: Sequence[int], parts: int) -> list[list[int]]:
    """Return a batch in `parts` of like size, or as many as it has examples."""
    return [share(batch, part, parts) for part in range(min(parts, len(batch)))]


def _runs(weights: NDArray[np.int64], limit: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of the longest runs that weigh at most `limit`, one after another."""
    ends = np.cumsum(weights)
    start = 0
    while start < len(weights):
        end = int(np.searchsorted(ends, ends[start] - weights[start] + limit, side="right"))
        yield start, end
        start = end


def eval_order(lengths: Sequence[int], batch_size: BatchSize) -> Iterator[list[int]]:
    """Yield batches of indices, longest texts first: texts of like length, and memory trouble shows at once."""
    sizes = np.asarray(lengths, dtype=np.int64)
    order = np.argsort(-sizes, kind="stable")
    if isinstance(batch_size, Tokens):
        weights, limit = np.minimum(sizes[order], batch_size.at_most), batch_size.at_most
    else:
        weights, limit = np.ones_like(sizes), batch_size
    for start, end in _runs(weights, limit):
        yield order[start:end].tolist()
