"""Rows of different length held one after another in one flat array.

Shapes: N rows, T items of all rows together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Ragged(NamedTuple):
    """Rows of ids."""

    ids: NDArray[np.int32]
    """(T,)"""
    lengths: NDArray[np.int64]
    """(N,), which add up to T"""

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]]) -> Ragged:
        """The rows of a list."""
        lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        return cls(np.fromiter(chain.from_iterable(rows), dtype=np.int32, count=int(lengths.sum())), lengths)

    @classmethod
    def join(cls, parts: Iterable[Ragged]) -> Ragged:
        """The rows of all parts, in their order."""
        ids, lengths = [np.zeros(0, dtype=np.int32)], [np.zeros(0, dtype=np.int64)]
        for part in parts:
            ids.append(part.ids)
            lengths.append(part.lengths)
        return cls(np.concatenate(ids), np.concatenate(lengths))

    @property
    def starts(self) -> NDArray[np.int64]:
        """(N,) where each row begins."""
        starts: NDArray[np.int64] = np.cumsum(self.lengths) - self.lengths
        return starts

    def lists(self) -> list[list[int]]:
        """The rows as lists."""
        items = self.ids.tolist()
        ends = np.cumsum(self.lengths).tolist()
        return [items[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def places(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The indices `start … start + length - 1` of every row, one row after another."""
    first = np.cumsum(lengths) - lengths
    indices: NDArray[np.int64] = np.repeat(starts - first, lengths)
    indices += np.arange(len(indices))
    return indices
