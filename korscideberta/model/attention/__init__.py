"""Disentangled attention: one interface, several implementations, one table."""

from __future__ import annotations

from korscideberta.errors import ConfigError
from korscideberta.model.attention.dense import attend_dense
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
ATTENTION_NAMES: tuple[str, ...] = tuple(_IMPLEMENTATIONS)


def choose_attention(name: str) -> Attend:
    """The implementation of that name; `auto` is the fastest one that runs everywhere. Unknown: ConfigError."""
    if name not in _IMPLEMENTATIONS:
        raise ConfigError(f"unknown attention {name!r}; {nearest(name, ATTENTION_NAMES)}")
    return _IMPLEMENTATIONS[name]
