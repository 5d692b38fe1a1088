"""What the processes of a run tell each other; with a single process each function gives back what it is given.

Every process of the group must call the same functions in the same order. They speak over the processors, whatever
device the model is on, and every process gets exactly the same answer.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch
from torch import distributed

T = TypeVar("T")


def world_size() -> int:
    """Return the number of processes of the group this one belongs to; 1 outside a group."""
    return distributed.get_world_size() if _in_a_group() else 1


def rank() -> int:
    """Return the number of this process in its group, from 0."""
    return distributed.get_rank() if _in_a_group() else 0


def is_main() -> bool:
    """Tell whether this is the process that writes and speaks for all."""
    return rank() == 0


def total(*numbers: float) -> list[float]:
    """Return the sum of each number over all processes, taken in the order of their ranks."""
    if world_size() == 1:
        return list(numbers)
    mine = torch.tensor(numbers, dtype=torch.float64)
    of_all = [torch.empty_like(mine) for _ in range(world_size())]
    distributed.all_gather(of_all, mine)
    return [math.fsum(values) for values in torch.stack(of_all, dim=1).tolist()]


def gathered(value: T) -> list[T]:
    """Return the value of every process, by rank; it must be picklable."""
    if world_size() == 1:
        return [value]
    values: list[T] = [value] * world_size()
    distributed.all_gather_object(values, value)
    return values


def from_main(value: T) -> T:
    """Return the value that the main process gave."""
    if world_size() == 1:
        return value
    values = [value]
    distributed.broadcast_object_list(values, src=0)
    return values[0]


def wait_for_all() -> None:
    """Go on when every process is here."""
    total(0.0)


def copy_from_main(folder: Path) -> None:
    """Give every process, in its own folder of that kind, the files that the main process has in `folder`."""
    if world_size() == 1:
        return
    files = {path.name: path.read_bytes() for path in folder.iterdir()} if is_main() else {}
    for name, content in from_main(files).items():
        (folder / name).write_bytes(content)


@contextmanager
def first_of_each_machine(wanted: bool = True) -> Iterator[None]:
    """Let one process of each machine go through the block before the others do, so that they find what it leaves.

    Without `wanted` all go at once.
    """
    later = wanted and int(os.environ.get("LOCAL_RANK", 0)) > 0
    if later:
        wait_for_all()
    yield
    if wanted and not later:
        wait_for_all()


def _in_a_group() -> bool:
    return distributed.is_available() and distributed.is_initialized()
