"""A new model, written to a folder, whose word embeddings come from the corpus."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import torch

from korscideberta.errors import ConfigError, DataError
from korscideberta.model.heads import DebertaV2ForMaskedLM
from korscideberta.pretraining.cooccurrence import cooccurrence_vectors, place_vectors
from korscideberta.pretraining.models import check_model, is_new, new_config
from korscideberta.pretraining.shards import PreparedCorpus
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer


def write_start(
    data: Path,
    model: str,
    out: Path,
    *,
    window: int = 12,
    seed: int = 42,
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[int, int]:
    """Write a masked language model of the shape `model`, with the corpus's tokenizer, and embeddings from its tokens.

    Returns:
        How many pieces have an embedding from the corpus, and how many there are.

    Raises:
        ModelError: `model` names nothing.
        ConfigError: `out` is there, `model` is no shape, or the window is impossible.
        DataError: the corpus is damaged, empty, or has too few pieces for vectors of that width.
    """
    check_model(model)
    if not is_new(model):
        raise ConfigError(f"--model {model}: give a shape or a JSON file of settings of a new model")
    if window < 1:
        raise ConfigError(f"--window {window}: must be at least 1")
    if out.exists() and not overwrite:
        raise ConfigError(f"{out}: is there already; give another --out or --overwrite")
    if out.exists() and not (out / "config.json").is_file():
        raise ConfigError(f"--overwrite: {out} is no model folder; give another --out")
    corpus = PreparedCorpus.open(data)
    if not corpus.tokens("train"):
        raise DataError(f"{data}: holds no text to count in")
    corpus.verify()
    tokenizer = DebertaV2Tokenizer.from_pretrained(corpus.tokenizer_folder)
    config = new_config(model, tokenizer)
    width = config.embedding_width
    if len(tokenizer) <= width:
        raise DataError(
            f"{data}: {len(tokenizer)} pieces are too few for embeddings of {width}; use a narrower --model"
        )
    torch.manual_seed(seed)
    built = DebertaV2ForMaskedLM(config)
    vectors = cooccurrence_vectors(
        corpus.shards("train"), len(tokenizer), width, window=window, seed=seed, progress=progress
    )
    pieces = place_vectors(built, vectors)
    temporary = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    built.save_pretrained(temporary)
    tokenizer.save_pretrained(temporary)
    if out.exists():
        shutil.rmtree(out)
    temporary.rename(out)
    return pieces, len(tokenizer)
