"""One model trained by several processes, each on its share of every batch.

Gradients are summed, not averaged: losses are divided by what the whole batch weighs, so the sum is its gradient.
"""

# Annotations are real here: DDP looks at those of the function that sums gradients.

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from korscideberta.collective import rank, world_size
from korscideberta.data.batching import share, split


def replicate(model: nn.Module) -> nn.Module:
    """Return what to call in place of a model so that its gradients become the sums over all processes.

    With a single process that is the model itself.
    """
    if world_size() == 1:
        return model
    replica = DistributedDataParallel(
        _WithUnused(model),
        # Without this the buckets are laid out anew after the first step, so that a run that is resumed would add up
        # in another order.
        find_unused_parameters=True,
        gradient_as_bucket_view=True,
    )
    replica.register_comm_hook(None, _sum)
    return replica


def bare(model: nn.Module) -> nn.Module:
    """Return the model inside what `replicate` gave."""
    return cast(_WithUnused, model.module).model if isinstance(model, DistributedDataParallel) else model


def kept_local(model: nn.Module) -> AbstractContextManager[Any]:
    """Return the context in which gradients are only added to those of this process; the next pass sums all."""
    return model.no_sync() if isinstance(model, DistributedDataParallel) else nullcontext()


def local_parts(batch: Sequence[int], accumulate: int) -> tuple[list[list[int]], int]:
    """Return this process's share of a batch in parts, and how many of the last ones are only borrowed.

    All processes have as many parts, since they work on each together. One whose share is too small for that borrows
    the batch's first example, which must not count.
    """
    number = min(accumulate, math.ceil(len(batch) / world_size()))
    parts = split(share(batch, rank(), world_size()), number)
    borrowed = number - len(parts)
    return [*parts, *[[batch[0]]] * borrowed], borrowed


class _WithUnused(nn.Module):
    """A model beside a parameter that is never used: DDP, told to look for such ones, warns where it finds none."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.unused = nn.Parameter(next(model.parameters()).new_zeros(1))

    def forward(self, **inputs: Tensor) -> Any:
        """What the model makes of the inputs."""
        return self.model(**inputs)


def _sum(
    state: object,
    bucket: distributed.GradBucket,  # type: ignore[name-defined]
) -> torch.futures.Future[Tensor]:
    work = distributed.all_reduce(bucket.buffer(), async_op=True)
    assert work is not None
    reduced: torch.futures.Future[Tensor] = work.get_future().then(lambda future: future.value()[0])
    return reduced
