"""SentencePiece's trainer: which pieces a vocabulary has beside the learnt ones, and what its errors mean."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import sentencepiece

from korscideberta.errors import ConfigError, DataError
from korscideberta.tokenization.lines import MAX_LINE
from korscideberta.tokenization.pieces import SpecialToken

logger = logging.getLogger(__name__)

SPECIAL_TOKENS = {"pad": "[PAD]", "cls": "[CLS]", "sep": "[SEP]", "unk": "[UNK]", "mask": "[MASK]"}
"""By role, in the order of their ids 0 to 4. All but the unknown one are control pieces: no text produces them."""

MODEL_TYPES = ("bpe", "unigram")

_TOO_HIGH = re.compile(r"Vocabulary size too high .*value <= (\d+)")
_TOO_SMALL = re.compile(r"smaller than required_chars\. \d+ vs (\d+)")

Run = Callable[[dict[str, Any]], bytes]
"""Runs the trainer with these options on the lines it holds; RuntimeError with the trainer's message."""


@dataclass(frozen=True, kw_only=True)
class VocabularySettings:
    """What a vocabulary is made of.

    Ids 0 to 4 are the special tokens, then come the reserved ones, `[unused0]` and so on, then the learnt pieces.
    """

    vocab_size: int = 8000
    """Special tokens and learnt pieces together. The released model has 128,000."""
    reserved: int = 0
    """Tokens that no text produces, on top of `vocab_size`, free for later use. The released model has 100."""
    pad_to_multiple_of: int = 1
    """More reserved tokens are added until `total` is a multiple of this."""
    model_type: str = "bpe"
    character_coverage: float = 0.9995
    """Share of the characters of the texts that get a piece; the rarest are left to the unknown token or to bytes."""
    byte_fallback: bool = False
    """Write what has no piece as bytes, for which there are 256 pieces, counted among the learnt ones."""

    def __post_init__(self) -> None:
        if self.model_type not in MODEL_TYPES:
            raise ConfigError(f"unknown model_type {self.model_type!r}; known: {', '.join(MODEL_TYPES)}")
        if not 0.0 < self.character_coverage <= 1.0:
            raise ConfigError(f"character_coverage={self.character_coverage} is not in (0, 1]")
        if self.vocab_size <= len(SPECIAL_TOKENS):
            raise ConfigError(f"vocab_size={self.vocab_size} leaves nothing to learn")
        if self.reserved < 0 or self.pad_to_multiple_of < 1:
            raise ConfigError(
                f"reserved={self.reserved} or pad_to_multiple_of={self.pad_to_multiple_of} is not a usable number"
            )

    @property
    def total(self) -> int:
        """All tokens: the rows of the embedding table of a model for this vocabulary."""
        wanted = self.vocab_size + self.reserved
        return -(-wanted // self.pad_to_multiple_of) * self.pad_to_multiple_of


def special_tokens() -> dict[str, SpecialToken]:
    """The special tokens of a model trained here, by role."""
    return {role: SpecialToken(token, index) for index, (role, token) in enumerate(SPECIAL_TOKENS.items())}


def train_model(run: Run, settings: VocabularySettings) -> bytes:
    """The bytes of a SentencePiece model that `run` trains with `settings`.

    Texts too few for `vocab_size` get a smaller vocabulary, with a warning.

    Raises DataError where the texts hold no character to learn from, ConfigError for a `vocab_size` below the number of
    characters to cover.
    """
    try:
        return run(_options(settings))
    except RuntimeError as error:
        message = str(error)
        extra = settings.total - settings.vocab_size
        if too_high := _TOO_HIGH.search(message):
            reachable = int(too_high[1]) - extra
            logger.warning(
                "the corpus gives %d pieces at most; vocab_size=%d is lowered", reachable, settings.vocab_size
            )
            return run(_options(replace(settings, vocab_size=reachable)))
        if too_small := _TOO_SMALL.search(message):
            raise ConfigError(
                f"vocab_size={settings.vocab_size} is below the {int(too_small[1]) - extra} pieces that single "
                f"characters need; raise it or lower character_coverage={settings.character_coverage}"
            ) from error
        raise DataError(f"SentencePiece cannot train on these texts: {message}") from error


def run_trainer(lines: Iterable[str], options: dict[str, Any]) -> bytes:
    """Train on `lines` in this process; RuntimeError with SentencePiece's message."""
    model = io.BytesIO()
    # An iterator and a writer, because the trainer stores the file names it is given in the model.
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=model, **options)
    return model.getvalue()


def _options(settings: VocabularySettings) -> dict[str, Any]:
    unused = [f"[unused{index}]" for index in range(settings.total - settings.vocab_size)]
    options: dict[str, Any] = {
        "vocab_size": settings.total,
        "model_type": settings.model_type,
        "character_coverage": settings.character_coverage,
        "byte_fallback": settings.byte_fallback,
        # In bytes, of which a character has four at most.
        "max_sentence_length": 4 * MAX_LINE,
        # As many whatever the machine: the order of sums must not depend on it.
        "num_threads": 4,
        "control_symbols": [SPECIAL_TOKENS["mask"], *unused],
        # Keeps the trainer from reporting its progress on stderr; errors reach us as exceptions.
        "minloglevel": 2,
    }
    for index, role in enumerate(("pad", "bos", "eos", "unk")):
        options[f"{role}_id"] = index
        options[f"{role}_piece"] = list(SPECIAL_TOKENS.values())[index]
    return options
