"""Predictions of inputs that may come again."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

_MOST = 8192
"""Inputs that are remembered beside those of the window at hand: a few megabytes."""


@dataclass(slots=True)
class Slot:
    """The place of the prediction of an input."""

    content: str | None = None
    """The prediction as JSON; None before there is one."""

    @property
    def prediction(self) -> dict[str, Any]:
        """The prediction, of the caller's own."""
        assert self.content is not None
        found: dict[str, Any] = json.loads(self.content)
        return found

    def fill(self, prediction: dict[str, Any]) -> None:
        """Keep a prediction."""
        self.content = json.dumps(prediction, ensure_ascii=False)


class KnownInputs:
    """The slots of the inputs that were last seen for the first time, told apart by 16 bytes each.

    Args:
        entries: what `entries` of another object gave.
    """

    def __init__(self, entries: Iterable[tuple[str, str]] = ()) -> None:
        self._slots = {bytes.fromhex(key): Slot(content) for key, content in entries}

    def slot(self, value: Hashable) -> tuple[Slot, bool]:
        """Return the slot of an input and whether it is new; of equal ones the first that is remembered is not."""
        key = blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        slot = self._slots.get(key)
        if slot is not None:
            return slot, False
        self._slots[key] = slot = Slot()
        return slot, True

    def forget(self) -> None:
        """Forget the oldest inputs, those beyond what is remembered."""
        beyond = len(self._slots) - _MOST
        if beyond > 0:
            self._slots = dict(list(self._slots.items())[beyond:])

    def copy(self) -> KnownInputs:
        """Return an object with the same slots."""
        other = KnownInputs()
        other._slots = dict(self._slots)
        return other

    def entries(self) -> list[tuple[str, str]]:
        """Return keys and predictions, the oldest first; all slots must be filled."""
        return [(key.hex(), slot.content) for key, slot in self._slots.items() if slot.content is not None]
