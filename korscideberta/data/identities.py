"""Whether an id occurs twice among any number of them, told by eight bytes each that are kept on the disk.

Shapes: N ids.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator
from hashlib import blake2b
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

_HELD = 1 << 16
"""Digests held before they are written."""
_SORTED = 1 << 22
"""Digests sorted at a time."""


class Identities:
    """Ids that were used. A context manager: at its end what is on the disk is gone.

    Different ids have the same digest once in 2**64 pairs, so what is found here must be looked at again.
    """

    def __init__(self) -> None:
        self._held = array("Q")
        self._file = tempfile.TemporaryFile()  # noqa: SIM115

    def __enter__(self) -> Identities:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, identity: str) -> None:
        """Note an id."""
        self._held.append(digest(identity))
        if len(self._held) == _HELD:
            self._write()

    def repeated(self) -> set[int]:
        """Return the digests that were added more than once."""
        self._write()
        count = self._file.seek(0, 2) // 8
        parts = -(-count // _SORTED) or 1
        found: set[int] = set()
        for part in range(parts):
            sorted_N = np.sort(np.concatenate([chunk[chunk % parts == part] for chunk in self._chunks()]))
            found.update(sorted_N[1:][sorted_N[1:] == sorted_N[:-1]].tolist())
        return found

    def _write(self) -> None:
        self._held.tofile(self._file)
        self._held = array("Q")

    def _chunks(self) -> Iterator[NDArray[np.uint64]]:
        self._file.seek(0)
        yield np.zeros(0, dtype=np.uint64)
        while block := self._file.read(8 * _HELD):
            yield np.frombuffer(block, dtype=np.uint64)


def digest(identity: str) -> int:
    """Return eight bytes that stand for an id, as a number."""
    return int.from_bytes(blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
