"""How many tokens a batch may have."""

from __future__ import annotations

from pathlib import Path

import torch

from korscideberta.model.encoder import PretrainedModel

_MOST_ON_CPU = 2048
"""Beyond it a processor is no faster."""
_MOST_ON_GPU = 65_536
_SHARE = 0.25
"""Of the memory that is free: others want some too, and the estimate is one."""
_BYTES = 4
_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def fitting_tokens(model: PretrainedModel, max_length: int, device: torch.device) -> int:
    """Return how many tokens a batch may have at most, a sequence of `max_length` at least.

    Args:
        model: the model, already on its device.
        max_length: tokens of the longest sequence.
        device: where it runs.
    """
    most = _MOST_ON_CPU if device.type == "cpu" else _MOST_ON_GPU
    free = free_memory(device)
    if free is not None:
        most = min(most, int(free * _SHARE) // bytes_of_token(model, max_length))
    return max(most, max_length)


def bytes_of_token(model: PretrainedModel, max_length: int) -> int:
    """Return about how many bytes a token of a batch takes while a layer works on it in float32.

    Held at a time are some seven vectors of the hidden size, the inner ones before and after their activation, and of
    each head three scores for every token of its sequence.
    """
    config = model.config
    wide = 7 * config.hidden_size + 2 * config.intermediate_size
    return _BYTES * (wide + 3 * config.num_attention_heads * max_length)


def free_memory(device: torch.device) -> int | None:
    """Return how many bytes are free on a device, for this process on a CPU; None where that is not known."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    found = [number for number in (_of_system(), _of_group()) if number is not None]
    return min(found, default=None)


def _of_system() -> int | None:
    try:
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return None


def _of_group() -> int | None:
    """What the limit of a container leaves."""
    try:
        limit, used = (
            (_CGROUP / name).read_text(encoding="ascii").strip() for name in ("memory.max", "memory.current")
        )
        return max(0, int(limit) - int(used))
    except (OSError, ValueError):  # no such limit: 'max'
        return None
