"""Tagged texts as a token classifier takes them: pieces that each speak for a span of characters, cut into windows.

A piece is labelled with the tag of the first character it stands for. In a text of words only the first piece of a word
is labelled, and speaks for the whole word.

Shapes: T tokens of a batch, L tokens of a window, P pieces of a text, C labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from korscideberta.data.batching import Batch, pack
from korscideberta.data.bio import Span
from korscideberta.data.encoding import EncodedExample
from korscideberta.data.features import Limits
from korscideberta.data.tagged import TaggedText, whitespace_words
from korscideberta.errors import ConfigError
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.tokenization.truncation import Window, windows

Unit = Literal["word", "character"]
"""What a tag belongs to."""

IGNORED = -100
"""The target of a token that the loss leaves out."""


@dataclass(frozen=True)
class Pieces:
    """The pieces of one text, special tokens left out."""

    ids: list[int]
    spans: list[Span]
    """The characters each speaks for; an empty span for one that says nothing. They do not overlap."""


def align(texts: Sequence[TaggedText], tokenizer: DebertaV2Tokenizer, unit: Unit) -> list[Pieces]:
    """Cut texts into pieces; with unit `word` a text without words of its own is split at white space."""
    if unit == "character":
        encoded = tokenizer([text.text for text in texts], return_offsets_mapping=True, add_special_tokens=False)
        return [
            Pieces(ids, _apart(spans))
            for ids, spans in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
        ]
    places = [text.words or whitespace_words(text.text) for text in texts]
    words = [[text.text[start:end] for start, end in spans] for text, spans in zip(texts, places, strict=True)]
    encoded = tokenizer(words, is_split_into_words=True, add_special_tokens=False)
    return [
        Pieces(ids, _first_pieces(encoded.word_ids(row), spans))
        for row, (ids, spans) in enumerate(zip(encoded["input_ids"], places, strict=True))
    ]


def _apart(spans: Sequence[Span]) -> list[Span]:
    """Spans of which each leaves out what those before it stand for."""
    result = []
    done = 0
    for start, end in spans:
        result.append((max(start, done), max(end, done)))
        done = result[-1][1]
    return result


def _first_pieces(word_of: Sequence[int | None], places: Sequence[Span]) -> list[Span]:
    """The span of the word for its first piece, an empty one for those that follow."""
    return [
        (0, 0) if word is None or (number and word_of[number - 1] == word) else places[word]
        for number, word in enumerate(word_of)
    ]


class TokenFeatures:
    """Windows over tagged texts; a long text has several, of which each shares tokens with the one before.

    Args:
        pieces: the pieces of each text.
        targets: label index of each piece, `IGNORED` for one that says nothing; None leaves targets out.
        tokenizer: whose special tokens stand around a window.
        limits: how long a window is, and by how many tokens the next one is moved on.

    Raises:
        ConfigError: special tokens leave no room for pieces.
    """

    def __init__(
        self,
        pieces: Sequence[Pieces],
        targets: Sequence[Sequence[int]] | None,
        tokenizer: DebertaV2Tokenizer,
        limits: Limits,
    ) -> None:
        room = limits.max_length - 2
        if room < 1:
            raise ConfigError(f"--max-length {limits.max_length}: leaves no room beside the special tokens; raise it")
        overlap = max(0, room - limits.doc_stride)
        self.pieces = pieces
        self.windows: list[Window] = []
        self.owners: list[int] = []
        for number, one in enumerate(pieces):
            found = windows(len(one.ids), room, overlap)
            self.windows += found
            self.owners += [number] * len(found)
        self.lengths = [end - start + 2 for start, end in self.windows]
        self._targets = targets
        self._cls, self._sep = tokenizer.cls_token_id, tokenizer.sep_token_id

    def __len__(self) -> int:
        return len(self.windows)

    def batch(self, indices: Sequence[int]) -> Batch:
        """Make a batch of these windows; targets (T,) are label indices, `IGNORED` at special tokens."""
        rows = []
        targets: list[int] = []
        for index in indices:
            owner, (start, end) = self.owners[index], self.windows[index]
            ids = (self._cls, *self.pieces[owner].ids[start:end], self._sep)
            rows.append(EncodedExample(ids, (0,) * len(ids), ()))
            if self._targets is not None:
                targets += [IGNORED, *self._targets[owner][start:end], IGNORED]
        return pack(rows, None if self._targets is None else torch.tensor(targets))

    def stitched(self, logits: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Return the (P, C) logits of each text from the (L, C) logits of each window.

        Where windows overlap a piece takes the window that shows the most on its shorter side.
        """
        found: list[NDArray[np.float32]] = []
        by_text: list[list[int]] = [[] for _ in self.pieces]
        for index, owner in enumerate(self.owners):
            by_text[owner].append(index)
        for pieces, indices in zip(self.pieces, by_text, strict=True):
            text_PC = np.empty((len(pieces.ids), logits[indices[0]].shape[-1]), dtype=np.float32)
            done = 0
            for place, index in enumerate(indices):
                start, end = self.windows[index]
                # The middle of what this window shares with the next is as far from either's edge.
                following = self.windows[indices[place + 1]][0] if place + 1 < len(indices) else end
                stop = (following + end + 1) // 2
                text_PC[done:stop] = logits[index][1 + done - start : 1 + stop - start]
                done = stop
            found.append(text_PC)
        return found
