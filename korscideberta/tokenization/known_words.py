"""Ids of texts looked up word by word: the morphs of Korean text are few and recur.

Shapes: W words of the texts, K words known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray

from korscideberta.tokenization.ragged import Ragged, places
from korscideberta.tokenization.words import WORD_MARK

LIMIT = 400_000
"""Total length of the words that are kept, some 150,000 of them in 30 MB. Rare words are no loss: they are rare."""


class KnownWords:
    """The ids of words met before. For models of which `words.splits_at_spaces` holds; not to be shared by threads.

    Args:
        encode: gives the ids of each of several words.
    """

    def __init__(self, encode: Callable[[list[str]], list[list[int]]]) -> None:
        self._encode = encode
        self._forget()

    def __len__(self) -> int:
        return len(self._index)

    def _forget(self) -> None:
        self._index: dict[str, int] = {}
        self._words = Ragged.of([])
        self._starts = self._words.starts
        self._characters = 0

    def rows(self, texts: Sequence[str]) -> Ragged:
        """The ids of each text, those of its words one after another."""
        if self._characters > LIMIT:
            self._forget()
        words, counts = _words(texts)
        where_W = np.fromiter(map(self._index.get, words, repeat(-1)), dtype=np.int32, count=len(words))
        unseen = np.flatnonzero(where_W < 0)
        if len(unseen):
            where_W[unseen] = self._learn([words[place] for place in unseen.tolist()])
        lengths_W = self._words.lengths[where_W]
        ends_W = np.concatenate([[0], np.cumsum(lengths_W)])
        ends = np.cumsum(counts)
        return Ragged(
            self._words.ids[places(self._starts[where_W], lengths_W)],
            ends_W[ends] - ends_W[ends - counts],
        )

    def _learn(self, words: list[str]) -> list[int]:
        """Where each of `words`, which may recur, is from now on."""
        new = list(dict.fromkeys(words))
        self._index.update(zip(new, range(len(self._index), len(self._index) + len(new)), strict=True))
        self._words = Ragged.join([self._words, Ragged.of(self._encode(new))])
        self._starts = self._words.starts
        self._characters += sum(map(len, new))
        return [self._index[word] for word in words]


def _words(texts: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """The words of all texts, and how many each text has (N,)."""
    joined = " ".join(texts)
    if WORD_MARK in joined:
        # A text with the mark of a space in it is one word to the look-up.
        split = [[text] if WORD_MARK in text else text.split(" ") for text in texts]
        return list(chain.from_iterable(split)), np.fromiter(map(len, split), dtype=np.int64, count=len(texts))
    counts = np.fromiter((text.count(" ") for text in texts), dtype=np.int64, count=len(texts)) + 1
    return joined.split(" ") if texts else [], counts
