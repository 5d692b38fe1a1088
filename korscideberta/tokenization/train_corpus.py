"""Training a tokenizer on files of any size: parallel, resumable, with the same result every time."""

from __future__ import annotations

import functools
import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import sentencepiece

from korscideberta.errors import ConfigError
from korscideberta.files import write_json
from korscideberta.tokenization.pieces import MODEL_FILE, Pieces
from korscideberta.tokenization.shards import CorpusSettings, Shards
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.tokenization.trainer import VocabularySettings, special_tokens, train_model
from korscideberta.tokenization.trainer_process import train_apart

logger = logging.getLogger(__name__)

RECORD = "tokenizer_training.json"


def train_on_corpus(
    files: Sequence[Path],
    folder: Path,
    corpus: CorpusSettings,
    vocabulary: VocabularySettings,
    *,
    workers: int = 1,
    keep: bool = False,
    overwrite: bool = False,
    on_reading: Callable[[int, int], None] = lambda done, total: None,
    on_training: Callable[[str], None] = lambda stage: None,
) -> DebertaV2Tokenizer:
    """Train a tokenizer on the texts of `files`, save it in `folder` with a record of its training, and return it.

    Training lines are kept in the folder FOLDER.work until the tokenizer is saved, longer with `keep`. A call that
    finds them there goes on with them; it may ask for another vocabulary, but `files` and `corpus` must be the same.
    The tokenizer depends on `files`, `corpus` and `vocabulary` alone. `on_reading` is told bytes read and bytes in
    all, `on_training` every second what SentencePiece is at.

    Raises ConfigError for impossible settings and for a folder that has a tokenizer, or lines of another call, unless
    `overwrite` is given, which starts anew; DataError for bad files; DependencyError where the analyser is missing.
    """
    if (folder / MODEL_FILE).exists() and not overwrite:
        raise ConfigError(f"--out {folder}: holds a tokenizer already; add --overwrite to replace it")
    scratch = folder.with_name(f"{folder.name}.work")
    if overwrite and (scratch / Shards.OWNER).is_file():
        shutil.rmtree(scratch)
    shards = Shards(scratch, files, corpus)
    try:
        counts = shards.write(workers, on_reading)
    finally:
        if not shards.finished():
            shards.remove()
    selection = shards.select(counts)
    selected = min(counts.lines, corpus.max_lines)
    logger.info("%s lines of %s texts; training on %s", *(f"{n:,}" for n in (counts.lines, counts.texts, selected)))
    if counts.bad:
        logger.warning("%s bad records were left out or had characters replaced", f"{counts.bad:,}")
    run = functools.partial(train_apart, selection, progress=on_training)
    tokenizer = DebertaV2Tokenizer(Pieces(train_model(run, vocabulary)), special_tokens(), corpus.recipe)
    tokenizer.save_pretrained(folder)
    write_json(
        folder / RECORD,
        {
            "files": [{"file": str(path), "bytes": path.stat().st_size} for path in files],
            "found": {**asdict(counts), "selected": selected},
            "corpus": asdict(corpus),
            "vocabulary": asdict(vocabulary),
            "tokens": len(tokenizer),
            "sentencepiece": sentencepiece.__version__,
            "tokenizer": tokenizer.fingerprint(),
        },
    )
    if not keep:
        shards.remove()
    return tokenizer
