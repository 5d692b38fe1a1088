"""Flat arrays of rows `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`, cut as `truncation="longest_first"` does.

Shapes: N rows, P of them pairs, T tokens of all rows together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from korscideberta.tokenization.ragged import Ragged, places
from korscideberta.tokenization.truncation import kept_lengths, room_beside


@dataclass(frozen=True)
class EncodedRows:
    """Token ids of N rows, special tokens included, one after another."""

    ids: NDArray[np.int32]
    """(T,)"""
    lengths: NDArray[np.int32]
    """(N,) ids of each row"""
    firsts: NDArray[np.int32]
    """(N,) ids of each row that belong to its first text (token type 0), the special tokens around it included"""

    def __len__(self) -> int:
        return len(self.lengths)

    @classmethod
    def join(cls, parts: Sequence[EncodedRows]) -> EncodedRows:
        """The rows of all parts, in their order."""
        empty = np.zeros(0, dtype=np.int32)
        return cls(
            *(
                np.concatenate([empty, *(getattr(part, name) for part in parts)])
                for name in ("ids", "lengths", "firsts")
            )
        )


def with_special_tokens(
    first: Ragged, second: Ragged, paired: NDArray[np.bool_], *, cls_id: int, sep_id: int, max_length: int | None
) -> EncodedRows:
    """The rows of N texts, of which those where `paired` is set have a second text.

    Args:
        first: ids of N texts.
        second: ids of the P second texts, in their order.
        paired: (N,)
        cls_id: id that opens a row.
        sep_id: id that closes a text.
        max_length: tokens of a row at most; None is any number.

    Raises:
        ConfigError: the special tokens alone are longer.
    """
    kept_first, kept_second = first.lengths, second.lengths
    if max_length is not None:
        kept_first, kept_second = _kept(kept_first, kept_second, paired, max_length)
    lengths = kept_first + 2
    lengths[paired] += kept_second + 1
    starts = np.cumsum(lengths) - lengths
    ids = np.empty(int(lengths.sum()), dtype=np.int32)
    ids[starts] = cls_id
    ids[places(starts + 1, kept_first)] = first.ids[places(first.starts, kept_first)]
    ids[starts + 1 + kept_first] = sep_id
    if paired.any():
        second_starts = (starts + 2 + kept_first)[paired]
        ids[places(second_starts, kept_second)] = second.ids[places(second.starts, kept_second)]
        ids[second_starts + kept_second] = sep_id
    return EncodedRows(ids, lengths.astype(np.int32), (kept_first + 2).astype(np.int32))


def _kept(
    first: NDArray[np.int64], second: NDArray[np.int64], paired: NDArray[np.bool_], max_length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many ids are kept of each first text (N,) and of each second one (P,)."""
    kept_first, kept_second = first.copy(), second.copy()
    if not paired.all():
        alone = np.minimum(first, room_beside(2, max_length))
        kept_first[~paired] = alone[~paired]
    if paired.any():
        room = room_beside(3, max_length)
        rows = np.flatnonzero(paired)
        for pair in np.flatnonzero(first[rows] + second > room):
            row = rows[pair]
            kept_first[row], kept_second[pair] = kept_lengths(int(first[row]), int(second[pair]), room, "longest_first")
    return kept_first, kept_second
