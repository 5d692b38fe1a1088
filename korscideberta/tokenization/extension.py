"""New pieces for an existing tokenizer: words that become one piece each, every other text cut as before."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from korscideberta.errors import ConfigError, DataError
from korscideberta.tokenization.pieces import Pieces
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.tokenization.words import WORD_MARK

logger = logging.getLogger(__name__)

_USER_DEFINED = 4


@dataclass(frozen=True)
class Extension:
    """A tokenizer with more pieces than the one it comes from."""

    tokenizer: DebertaV2Tokenizer
    parts: dict[int, list[int]]
    """The id of every new piece, and the ids that its word had before; the new ids follow on the old ones."""


def extend_tokenizer(tokenizer: DebertaV2Tokenizer, words: Iterable[str]) -> Extension:
    """Make a piece of each word that has several.

    A new piece is a user-defined one of SentencePiece: it is taken wherever a morph begins with the word. A word that
    the analyser cuts is left out, with a warning, because no text would have its piece.

    Raises DataError where no word is left, ConfigError for a tokenizer whose special tokens lie beyond its pieces.
    """
    pieces = tokenizer.pieces
    if len(tokenizer) > len(pieces):
        raise ConfigError(
            f"{pieces.origin}: {len(tokenizer) - len(pieces)} special tokens have ids beyond its pieces, so no piece "
            "can be added behind them"
        )
    wanted = [word for word in dict.fromkeys(word.strip() for word in words) if word]
    lines = tokenizer.prepare(wanted)
    cut = [word for word, line in zip(wanted, lines, strict=True) if " " in line]
    if cut:
        logger.warning(
            "%d of %d words are cut by the analyser (%s …); to give them pieces put them in a user dictionary first",
            len(cut),
            len(wanted),
            cut[0],
        )
    rows = pieces.encode(lines)
    new = {
        f"{WORD_MARK}{line}": row
        for line, row in zip(lines, rows, strict=True)
        if line and " " not in line and len(row) > 1 and pieces.id_of(f"{WORD_MARK}{line}") is None
    }
    # SentencePiece's own normaliser may write a word in another way, so that its piece is never met.
    trial = Pieces(_with_pieces(pieces.model, new), pieces.origin)
    found = trial.encode([piece.removeprefix(WORD_MARK) for piece in new])
    new = {piece: row for (piece, row), ids in zip(new.items(), found, strict=True) if len(ids) == 1}
    if not new:
        raise DataError(f"none of {len(wanted)} words can become a new piece: each is cut, or is a piece already")
    extended = Pieces(_with_pieces(pieces.model, new), pieces.origin)
    return Extension(
        tokenizer=DebertaV2Tokenizer(
            extended,
            tokenizer.special_tokens,
            tokenizer.recipe,
            model_max_length=tokenizer.model_max_length,
            lower_case=tokenizer.lower_case,
            padding_side=tokenizer.padding_side,
        ),
        parts=dict(enumerate(new.values(), start=len(pieces))),
    )


def _with_pieces(model: bytes, pieces: Iterable[str]) -> bytes:
    """The model with user-defined pieces behind its own: what follows in a protocol buffer adds to a repeated field."""
    for piece in pieces:
        text = piece.encode()
        # Field 1 the piece, field 2 its score 0, field 3 its kind; all of it field 1 of the model.
        message = b"\x0a" + _varint(len(text)) + text + b"\x15\0\0\0\0" + b"\x18" + _varint(_USER_DEFINED)
        model += b"\x0a" + _varint(len(message)) + message
    return model


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])
