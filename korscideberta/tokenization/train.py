"""Training a tokenizer: normalised morph lines to a temporary file, then SentencePiece's trainer."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from korscideberta.errors import ConfigError, DataError
from korscideberta.tokenization.lines import line_maker
from korscideberta.tokenization.pieces import Pieces
from korscideberta.tokenization.recipe import Recipe
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.tokenization.trainer import VocabularySettings, run_trainer, special_tokens, train_model


def train_tokenizer(
    texts: Iterable[str],
    folder: str | Path,
    *,
    vocab_size: int = 8000,
    model_type: Literal["bpe", "unigram"] = "bpe",
    engine: str = "mecab",
    user_dictionary: str | Path | None = None,
    character_coverage: float = 0.9995,
    byte_fallback: bool = False,
    reserved: int = 0,
    pad_to_multiple_of: int = 1,
    max_lines: int = 5_000_000,
    seed: int = 0,
) -> DebertaV2Tokenizer:
    """Train a tokenizer on `texts`, save it in `folder` and return it.

    The texts are read once and never held in memory together; of more than `max_lines` lines a sample is
    drawn with `seed` (SentencePiece's trainer does hold its lines in memory). The same texts and settings
    give the same file. The settings of the vocabulary are those of `VocabularySettings`; a corpus too small
    for `vocab_size` gets a smaller vocabulary, with a warning. `user_dictionary` is a compiled one, whose
    words the analyser keeps whole; it is stored with the tokenizer.

    Raises DataError where the texts hold no character to learn from or are not strings, ConfigError for
    impossible settings, a `vocab_size` below the number of characters to cover included, DependencyError
    where the analyser is missing.
    """
    settings = VocabularySettings(
        vocab_size=vocab_size,
        reserved=reserved,
        pad_to_multiple_of=pad_to_multiple_of,
        model_type=model_type,
        character_coverage=character_coverage,
        byte_fallback=byte_fallback,
    )
    if max_lines < 1:
        raise ConfigError(f"max_lines={max_lines} leaves nothing to learn from")
    recipe = Recipe(engine=engine).with_user_dictionary(user_dictionary)
    with tempfile.TemporaryDirectory(prefix="korsci-") as scratch:
        lines = Path(scratch) / "lines.txt"
        count = _write_lines(texts, recipe, lines)
        if count == 0:
            raise DataError("no text to train a tokenizer on: every line is empty")
        if count > max_lines:
            lines = _sample(lines, count, max_lines, seed)
        model = train_model(lambda options: run_trainer(_read_lines(lines), options), settings)
    tokenizer = DebertaV2Tokenizer(Pieces(model), special_tokens(), recipe)
    tokenizer.save_pretrained(folder)
    return tokenizer


def _write_lines(texts: Iterable[str], recipe: Recipe, path: Path) -> int:
    training_lines = line_maker(recipe)
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row, text in enumerate(texts):
            if not isinstance(text, str):
                raise DataError(f"text {row} is {text!r} ({type(text).__name__}), not a string")
            for line in training_lines(text):
                file.write(line + "\n")
                count += 1
    return count


def _read_lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            yield line.rstrip("\n")


def _sample(path: Path, count: int, wanted: int, seed: int) -> Path:
    chosen = set(random.Random(seed).sample(range(count), wanted))
    sampled = path.with_name("sample.txt")
    with (
        path.open(encoding="utf-8", newline="\n") as source,
        sampled.open("w", encoding="utf-8", newline="\n") as target,
    ):
        target.writelines(line for row, line in enumerate(source) if row in chosen)
    return sampled
