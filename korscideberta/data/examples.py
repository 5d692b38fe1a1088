"""What every reader produces and everything downstream takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseExample:
    """What an example of every kind has: `origin` is the `file:line` it was read from, which error messages quote."""

    id: str
    origin: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Example(BaseExample):
    """One text (or pair of texts) with its gold labels or its gold value.

    `labels` holds label names, the primary one first, and is empty for text without gold labels.
    """

    text: str
    text_pair: str | None = None
    labels: tuple[str, ...] = ()
    value: float | None = None
    """The gold number of a regression."""
    part: str | None = None
    """The part of the data it belongs to, such as a genre or a question, where figures are told by part."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which columns of a table hold what. Several text columns are joined with a line break."""

    text: tuple[str, ...]
    label: str | None = None
    """One column, or several separated by commas that hold a label each, the primary one first. Where labels have
    levels, columns joined with `>` hold one label together, its large field in the first."""
    text_pair: str | None = None
    id: str | None = None

    @property
    def label_columns(self) -> tuple[str, ...]:
        """The label columns one by one."""
        return tuple(name.strip() for name in (self.label or "").split(",") if name.strip())


def label_set(examples: Sequence[Example]) -> tuple[str, ...]:
    """Return the distinct gold labels in sorted order, so that the order of rows does not matter."""
    return tuple(sorted({label for example in examples for label in example.labels}))
