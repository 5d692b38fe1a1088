"""Lines to ids, with what masking and sentence order need to know of every token."""

# Shapes: T tokens of all lines, N lines, V vocabulary

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

import numpy as np
from numpy.typing import NDArray

from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.tokenization.words import WORD_MARK

MORPH, WORD, SENTENCE, DOCUMENT = 1, 2, 4, 8
"""A token's flags: it is the first of a morph, of a word between spaces, of a sentence, of a document."""

_SENTENCE_ENDS = ".?!。"


@dataclass(frozen=True)
class EncodedLines:
    """Ids of N lines without special tokens, one line after another."""

    ids: NDArray[np.int32]
    """(T,)"""
    flags: NDArray[np.uint8]
    """(T,) MORPH, WORD and SENTENCE; the first token of a line begins all three"""
    lengths: NDArray[np.int64]
    """(N,) tokens of each line"""


class LineEncoder:
    """Encodes lines with one tokenizer.

    A morph is what the tokenizer cuts before SentencePiece and joins with a space, a word without an analyser. As in
    the original implementation a piece that is a single punctuation mark begins a unit of its own.
    """

    def __init__(self, tokenizer: DebertaV2Tokenizer) -> None:
        self._tokenizer = tokenizer
        pieces = [tokenizer.pieces.piece_of(index) for index in range(len(tokenizer.pieces))]
        extra = [""] * (len(tokenizer) - len(pieces))
        self._marked_V = np.array([piece.startswith(WORD_MARK) for piece in (*pieces, *extra)])
        self._punctuation_V = np.array([_is_punctuation(piece) for piece in (*pieces, *extra)])
        self._ends_V = np.array([piece.lstrip(WORD_MARK) in set(_SENTENCE_ENDS) for piece in (*pieces, *extra)])

    def encode(self, lines: Sequence[str]) -> EncodedLines:
        """The ids that the tokenizer itself gives the lines, and the flags of the tokens."""
        texts = self._tokenizer.normalise(lines)
        prepared = self._tokenizer.cut(texts)
        ids, lengths = self._tokenizer.pieces.encode_flat(prepared)
        return EncodedLines(ids, self._flags(ids, lengths, texts, prepared), lengths)

    def _flags(
        self, ids: NDArray[np.int32], lengths: NDArray[np.int64], texts: Sequence[str], prepared: Sequence[str]
    ) -> NDArray[np.uint8]:
        marked_T = self._marked_V[ids]
        first = (np.cumsum(lengths) - lengths)[lengths > 0]
        line_T = np.repeat(np.arange(len(lengths)), lengths)
        marks_N = np.bincount(line_T[marked_T], minlength=len(lengths))
        begins = [_begin_words(text, line) for text, line in zip(texts, prepared, strict=True)]
        # Where SentencePiece's own rules add or take away spaces, a morph counts as a word.
        known_N = np.fromiter(map(len, begins), dtype=np.int64, count=len(begins)) == marks_N
        word_T = marked_T.copy()
        word_T[marked_T & known_N[line_T]] = np.fromiter(
            chain.from_iterable(begin for begin, known in zip(begins, known_N, strict=True) if known), dtype=bool
        )
        sentence_T = np.zeros(len(ids), dtype=bool)
        sentence_T[1:] = word_T[1:] & self._ends_V[ids[:-1]]
        punctuation_T = self._punctuation_V[ids]
        flags = np.zeros(len(ids), dtype=np.uint8)
        flags[marked_T | punctuation_T] |= MORPH
        flags[word_T | punctuation_T] |= WORD
        flags[sentence_T] |= SENTENCE
        flags[first] |= MORPH | WORD | SENTENCE
        return flags


def _begin_words(text: str, line: str) -> list[bool]:
    """For every part of `line`, which is `text` with more spaces, whether it begins a word of `text`."""
    words = set(accumulate(map(len, text.split()), initial=0))
    return [place in words for place in accumulate(map(len, line.split()[:-1]), initial=0)] if line.strip() else []


def _is_punctuation(piece: str) -> bool:
    # The ranges of ASCII that Unicode calls symbols count as punctuation in the original.
    return len(piece) == 1 and (
        unicodedata.category(piece).startswith("P") or (piece.isascii() and not piece.isalnum() and piece.isprintable())
    )
