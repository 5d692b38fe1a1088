"""Training a tokenizer: normalised morph lines to a temporary file, then SentencePiece's trainer."""

from __future__ import annotations

import io
import logging
import random
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import sentencepiece

from korscideberta.errors import ConfigError, DataError
from korscideberta.normalize import normalization
from korscideberta.tokenization.mecab import SharedAnalyser
from korscideberta.tokenization.pieces import Pieces, SpecialToken
from korscideberta.tokenization.recipe import Recipe
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

logger = logging.getLogger(__name__)

SPECIAL_TOKENS = {"pad": "[PAD]", "cls": "[CLS]", "sep": "[SEP]", "unk": "[UNK]", "mask": "[MASK]"}
"""By role, in the order of their ids 0 to 4. All but the unknown one are control pieces: no text produces them."""

MAX_LINE = 1000
"""Characters of a training line; longer ones are split (a character is at most 4 bytes, the trainer's limit below)."""

_TOO_HIGH = re.compile(r"Vocabulary size too high .*value <= (\d+)")
_TOO_SMALL = re.compile(r"smaller than required_chars\. \d+ vs (\d+)")


def train_tokenizer(
    texts: Iterable[str],
    folder: str | Path,
    *,
    vocab_size: int = 8000,
    model_type: Literal["bpe", "unigram"] = "bpe",
    engine: str = "mecab",
    character_coverage: float = 0.9995,
    byte_fallback: bool = False,
    max_lines: int = 5_000_000,
    seed: int = 0,
) -> DebertaV2Tokenizer:
    """Train a tokenizer on `texts`, save it in `folder` and return it.

    The texts are read once and never held in memory together; of more than `max_lines` lines a sample is
    drawn with `seed` (SentencePiece's trainer does hold its lines in memory). The same texts and settings
    give the same file. `vocab_size` counts the special tokens; a corpus too small for it gets a smaller
    vocabulary, with a warning.

    Raises DataError where the texts hold no character to learn from or are not strings, ConfigError for
    impossible settings, a `vocab_size` below the number of characters to cover included, DependencyError
    where the analyser is missing.
    """
    if model_type not in ("bpe", "unigram"):
        raise ConfigError(f"unknown model_type {model_type!r}; known: bpe, unigram")
    if not 0.0 < character_coverage <= 1.0:
        raise ConfigError(f"character_coverage={character_coverage} is not in (0, 1]")
    if vocab_size <= len(SPECIAL_TOKENS) or max_lines < 1:
        raise ConfigError(f"vocab_size={vocab_size} or max_lines={max_lines} leaves nothing to learn")
    recipe = Recipe(engine=engine)
    with tempfile.TemporaryDirectory(prefix="korsci-") as scratch:
        lines = Path(scratch) / "lines.txt"
        count = _write_lines(texts, recipe, lines)
        if count == 0:
            raise DataError("no text to train a tokenizer on: every line is empty")
        if count > max_lines:
            lines = _sample(lines, count, max_lines, seed)
        model = _train(
            lines,
            vocab_size=vocab_size,
            model_type=model_type,
            character_coverage=character_coverage,
            byte_fallback=byte_fallback,
        )
    pieces = Pieces(model)
    specials = {role: SpecialToken(token, index) for index, (role, token) in enumerate(SPECIAL_TOKENS.items())}
    tokenizer = DebertaV2Tokenizer(pieces, specials, recipe)
    tokenizer.save_pretrained(folder)
    return tokenizer


def _write_lines(texts: Iterable[str], recipe: Recipe, path: Path) -> int:
    analyser = SharedAnalyser(recipe.engine, recipe.dictionary).open()
    normalise = normalization(recipe.normalization)
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row, text in enumerate(texts):
            if not isinstance(text, str):
                raise DataError(f"text {row} is {text!r} ({type(text).__name__}), not a string")
            for line in split_line(recipe.joiner.join(analyser.morphs(normalise(text)))):
                file.write(line + "\n")
                count += 1
    return count


def split_line(line: str, limit: int = MAX_LINE) -> Iterator[str]:
    """Parts of `line` of at most `limit` characters, cut at spaces where there are any; blank parts are left out."""
    while line := line.strip(" "):
        end = len(line) if len(line) <= limit else line.rfind(" ", 1, limit + 1)
        end = limit if end < 0 else end
        yield line[:end].rstrip(" ")
        line = line[end:]


def _sample(path: Path, count: int, wanted: int, seed: int) -> Path:
    chosen = set(random.Random(seed).sample(range(count), wanted))
    sampled = path.with_name("sample.txt")
    with (
        path.open(encoding="utf-8", newline="\n") as source,
        sampled.open("w", encoding="utf-8", newline="\n") as target,
    ):
        target.writelines(line for row, line in enumerate(source) if row in chosen)
    return sampled


def _train(lines: Path, *, vocab_size: int, model_type: str, character_coverage: float, byte_fallback: bool) -> bytes:
    options: dict[str, Any] = {
        "model_type": model_type,
        "character_coverage": character_coverage,
        "byte_fallback": byte_fallback,
        "max_sentence_length": 4 * MAX_LINE,
        # As many whatever the machine: the order of sums must not depend on it.
        "num_threads": 4,
        "control_symbols": [SPECIAL_TOKENS["mask"]],
        # Keeps the trainer from reporting its progress on stderr; errors reach us as exceptions.
        "minloglevel": 2,
    }
    for index, role in enumerate(("pad", "bos", "eos", "unk")):
        options[f"{role}_id"] = index
        options[f"{role}_piece"] = list(SPECIAL_TOKENS.values())[index]
    try:
        return _run_trainer(lines, vocab_size=vocab_size, **options)
    except RuntimeError as error:
        message = str(error)
        if too_high := _TOO_HIGH.search(message):
            reachable = int(too_high[1])
            logger.warning("the corpus gives %d pieces at most; vocab_size=%d is lowered", reachable, vocab_size)
            return _run_trainer(lines, vocab_size=reachable, **options)
        if too_small := _TOO_SMALL.search(message):
            raise ConfigError(
                f"vocab_size={vocab_size} is below the {too_small[1]} pieces that single characters need; raise it or "
                f"lower character_coverage={character_coverage}"
            ) from error
        raise DataError(f"SentencePiece cannot train on these texts: {message}") from error


def _run_trainer(lines: Path, **options: Any) -> bytes:
    model = io.BytesIO()
    with lines.open(encoding="utf-8", newline="\n") as file:
        # An iterator and a writer, because the trainer stores the file names it is given in the model.
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=(line.rstrip("\n") for line in file), model_writer=model, **options
        )
    return model.getvalue()
