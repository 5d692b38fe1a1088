"""What every reader produces and everything downstream takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True, kw_only=True)
class Example:
    """One text (or pair of texts) with its gold labels.

    `labels` holds label names, the primary one first, and is empty for text without gold labels.
    `origin` is the `file:line` the example was read from; error messages quote it.
    """

    id: str
    text: str
    text_pair: str | None = None
    labels: tuple[str, ...] = ()
    origin: str = ""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which columns of a table hold what. Several text columns are joined with a line break."""

    text: tuple[str, ...]
    label: str | None = None
    text_pair: str | None = None
    id: str | None = None


def label_set(examples: Sequence[Example]) -> tuple[str, ...]:
    """Return the distinct gold labels in sorted order, so that the order of rows does not matter."""
    return tuple(sorted({label for example in examples for label in example.labels}))
