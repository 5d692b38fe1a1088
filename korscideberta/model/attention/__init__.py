"""Disentangled attention: one interface, several implementations, one table."""

from __future__ import annotations

import torch

from korscideberta.errors import ConfigError
from korscideberta.model.attention.dense import attend_dense
from korscideberta.model.attention.flash import attend_flash
from korscideberta.model.attention.interface import Attend, PositionTerms
from korscideberta.model.attention.queries import attend_from
from korscideberta.model.attention.strided import attend_strided
from korscideberta.nearest import nearest

__all__ = ["ATTENTION_NAMES", "Attend", "PositionTerms", "attend_from", "choose_attention"]

_IMPLEMENTATIONS: dict[str, Attend] = {
    "auto": attend_strided,
    "dense": attend_dense,
    "strided": attend_strided,
}
_CUDA_ONLY: dict[str, Attend] = {"flash": attend_flash}
ATTENTION_NAMES: tuple[str, ...] = tuple(_IMPLEMENTATIONS)
"""The implementations that run everywhere; on CUDA there is also flash."""


def choose_attention(name: str) -> Attend:
    """The implementation of that name; `auto` is the fastest one that runs everywhere.

    Raises:
        ConfigError: an unknown name, or one that needs CUDA where there is none.
    """
    offered = {**_IMPLEMENTATIONS, **(_CUDA_ONLY if torch.cuda.is_available() else {})}
    if name in _CUDA_ONLY and name not in offered:
        raise ConfigError(f"attention={name!r} needs a CUDA device, and torch finds none; use 'auto'")
    if name not in offered:
        raise ConfigError(f"unknown attention {name!r}; {nearest(name, tuple(offered))}")
    return offered[name]
