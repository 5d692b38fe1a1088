"""Suggest the name somebody meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_SHOWN = 12


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `did you mean 'x'?`, or the first of what is known when nothing comes near."""
    choices = sorted(known)
    found = difflib.get_close_matches(name, choices, n=1)
    if found:
        return f"did you mean {found[0]!r}?"
    rest = f" … ({len(choices)} in all)" if len(choices) > _SHOWN else ""
    return f"known: {', '.join(choices[:_SHOWN])}{rest}"
