"""Rows of a prepared corpus: which tokens each one is, and in which order training meets them."""

# Shapes: N rows, B of them in a batch, C tokens a row holds without [CLS] and [SEP]

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from korscideberta.errors import ConfigError
from korscideberta.nearest import nearest
from korscideberta.pretraining.shards import PreparedCorpus, Shard

LAYOUTS = ("packed", "documents")
"""Rows that are cut from the documents one after another, as in the original experiments, so that all but a shard's
last are full; or rows that hold one document, or a part of it, each."""


@dataclass(frozen=True)
class Row:
    """The tokens of a row, without special tokens, and their flags."""

    ids: NDArray[Any]
    flags: NDArray[np.uint8]


class Rows:
    """The rows of one split of a corpus, `width` tokens at most. Only what is asked for is read from the disk."""

    def __init__(self, corpus: PreparedCorpus, split: str, width: int, layout: str = "packed") -> None:
        if layout not in LAYOUTS:
            raise ConfigError(f"--rows {layout}: {nearest(layout, LAYOUTS)}")
        self.width = width
        self._shards = corpus.shards(split)
        self._starts = [_document_rows(shard, width) if layout == "documents" else None for shard in self._shards]
        counts = [
            -(-len(shard.ids) // width) if starts is None else len(starts) - 1
            for shard, starts in zip(self._shards, self._starts, strict=True)
        ]
        self._firsts = np.array([0, *accumulate(counts)], dtype=np.int64)

    def __len__(self) -> int:
        return int(self._firsts[-1])

    def __getitem__(self, index: int) -> Row:
        number = int(np.searchsorted(self._firsts, index, side="right")) - 1
        shard, starts, place = self._shards[number], self._starts[number], index - int(self._firsts[number])
        first = place * self.width if starts is None else int(starts[place])
        end = first + self.width if starts is None else int(starts[place + 1])
        return Row(shard.ids[first:end], shard.flags[first:end])


def _document_rows(shard: Shard, width: int) -> NDArray[np.int64]:
    """Where rows begin that each belong to one document, and the end of the last."""
    starts = shard.starts.astype(np.int64)
    lengths = np.diff(starts, append=len(shard.ids))
    counts = -(-lengths // width)
    inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.append(np.repeat(starts, counts) + inside * width, len(shard.ids))


_ROUNDS = 4


def shuffled(places: NDArray[np.int64], count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """What stands at `places` of a random order of 0 … `count` - 1, one for every seed and epoch.

    No order is ever written down: a Feistel network permutes the numbers of 2k bits, and is applied again to what falls
    on or beyond `count`. Source: Black and Rogaway 2002, Ciphers with arbitrary finite domains.
    """
    half = max(1, (max(count - 1, 1).bit_length() + 1) // 2)
    mask = np.uint64((1 << half) - 1)
    keys = np.random.Philox(key=np.array([seed, epoch], dtype=np.uint64)).random_raw(_ROUNDS)
    x = places.astype(np.uint64)
    outside = np.ones(len(x), dtype=bool)
    while outside.any():
        left, right = x[outside] >> np.uint64(half), x[outside] & mask
        for key in keys:
            left, right = right, left ^ (_scrambled(right ^ key) & mask)
        x[outside] = (left << np.uint64(half)) | right
        outside = x >= np.uint64(count)
    return x.astype(np.int64)


def _scrambled(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def rows_of_step(step: int, batch_size: int, count: int, seed: int) -> NDArray[np.int64]:
    """The rows (B,) of the update with that number (from 0): epoch after epoch, each in an order of its own."""
    place = step * batch_size + np.arange(batch_size, dtype=np.int64)
    rows = np.empty(batch_size, dtype=np.int64)
    for epoch in np.unique(place // count).tolist():
        inside = place // count == epoch
        rows[inside] = shuffled(place[inside] % count, count, seed, epoch)
    return rows
