"""The part of an output file that is finished, and beside it what is needed to go on from there."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from korscideberta.errors import ConfigError, DataError
from korscideberta.files import replacing
from korscideberta.prediction.known import KnownInputs


@dataclass(frozen=True)
class State:
    """How far a file is predicted."""

    rows: int
    """Rows of the input whose predictions are written."""
    size: int
    """Bytes these take in the part."""
    known: KnownInputs
    """What is known behind them."""


class PartFile:
    """`NAME.part` and its journal, `NAME.part.json`, which stand for the output NAME until it is whole.

    What is written behind the last journal is lost when the process is killed, and made again.

    Args:
        output: the file they become.
        made_of: what decides its content, by names that an error can tell; JSON values.
    """

    def __init__(self, output: Path, made_of: Mapping[str, Any]) -> None:
        self.output = output
        self.path = output.with_name(f"{output.name}.part")
        self.journal = output.with_name(f"{output.name}.part.json")
        self.found: dict[str, Any] = {}
        """What was found out when the part was begun, and is to stay the same; JSON values."""
        self._made_of = dict(made_of)
        self._size = 0

    def begin(self) -> State:
        """Begin with an empty part.

        Raises:
            DataError: the folder cannot be written to.
        """
        self.journal.unlink(missing_ok=True)
        try:
            self.output.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_bytes(b"")
        except OSError as error:
            raise DataError(f"{self.path}: cannot be written ({error.strerror})") from None
        self._size = 0
        return State(0, 0, KnownInputs())

    def resume(self) -> State:
        """Take up what there is, or begin where there is nothing.

        Raises:
            ConfigError: it was made of something else.
            DataError: the journal or the part is damaged.
        """
        if not (self.journal.exists() and self.path.exists()):
            return self.begin()
        try:
            stored = json.loads(self.journal.read_text(encoding="utf-8"))
            made_of = stored["made_of"]
            self.found = stored["found"]
            state = State(stored["rows"], stored["size"], KnownInputs(stored["known"]))
            changed = [name for name in self._made_of if made_of.get(name) != self._made_of[name]]
            if changed:
                name = changed[0]
                raise ConfigError(
                    f"--resume: {self.path} was made with another {name} ({made_of.get(name)}, now "
                    f"{self._made_of[name]}); give what it was made with, or leave out --resume to begin again"
                )
            if self.path.stat().st_size < state.size:
                raise ValueError(f"the part has {self.path.stat().st_size} bytes, not {state.size}")
            os.truncate(self.path, state.size)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{self.journal}: cannot be resumed ({error}); leave out --resume to begin again") from None
        self._size = state.size
        return state

    def append(self, text: str) -> int:
        """Write behind what there is, and return the bytes of all.

        Raises:
            DataError: the disk is full, or the file cannot be written for another reason.
        """
        content = text.encode("utf-8")
        try:
            with self.path.open("ab") as stream:
                stream.write(content)
        except OSError as error:
            raise DataError(f"{self.path}: cannot be written ({error.strerror}); go on with --resume") from None
        self._size += len(content)
        return self._size

    def note(self, state: State) -> None:
        """Write the journal for a state whose bytes are in the part.

        Raises:
            DataError: the disk is full, or the file cannot be written for another reason.
        """
        self._flush()
        known = state.known.entries()
        content = {
            "made_of": self._made_of, "found": self.found, "rows": state.rows, "size": state.size, "known": known
        }  # fmt: skip
        with replacing(self.journal) as temporary:
            # Not indented: that takes ten times as long.
            temporary.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")

    def finish(self) -> None:
        """Make the part the output.

        Raises:
            DataError: the folder cannot be written to.
        """
        try:
            self._flush()
            os.replace(self.path, self.output)
        except OSError as error:
            raise DataError(f"{self.output}: cannot be written ({error.strerror})") from None
        self.journal.unlink(missing_ok=True)

    def _flush(self) -> None:
        descriptor = os.open(self.path, os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
