"""How examples are cut to what a model can take."""

from __future__ import annotations

from dataclasses import dataclass

from korscideberta.errors import ConfigError
from korscideberta.nearest import nearest

LONG = ("truncate", "windows", "head-tail")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How examples are cut to what a model can take."""

    max_length: int
    """Tokens of a sequence at most, specials included."""
    long: str = "truncate"
    """What becomes of longer texts, where a head judges texts as a whole; one of `LONG`."""
    doc_stride: int = 128
    """Tokens by which neighbouring windows of a long text are moved on, where a head works in windows."""
    max_answer_length: int = 30
    """Pieces of an answer at most, where a head looks for one in a text."""

    def __post_init__(self) -> None:
        if self.long not in LONG:
            raise ConfigError(f"--long {self.long}: {nearest(self.long, LONG)}")
        for name in ("doc_stride", "max_answer_length"):
            if getattr(self, name) < 1:
                raise ConfigError(f"--{name.replace('_', '-')} {getattr(self, name)}: must be 1 or more")
