"""How many processes train together."""

from __future__ import annotations

from torch import distributed


def world_size() -> int:
    """Return the number of processes of the group this one belongs to; 1 outside a group."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1
