"""The texts behind the predictions of a run, while its data files are still what they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from korscideberta.errors import DataError
from korscideberta.evaluation.finished import FinishedRun
from korscideberta.evaluation.report.attribution import Word, token_scores, word_scores
from korscideberta.evaluation.report.runs import ReportedRun
from korscideberta.files import file_sha256
from korscideberta.model.heads import DebertaV2ForSequenceClassification
from korscideberta.training.finetune import Source, read_splits


@dataclass(frozen=True)
class ErrorExample:
    """A document that was given a wrong label."""

    row: int
    """Its place in the predictions."""
    texts: tuple[str, ...]
    """One text or a pair."""
    words: tuple[tuple[Word, ...], ...]
    """Of each text its words with what they add to the lead of the wrong label; empty where that was not asked for."""


@dataclass(frozen=True)
class Texts:
    """What a run's texts tell."""

    lengths: NDArray[np.int64]
    """(N,) tokens of each document, before they are cut to the model's limit."""
    limit: int
    """The limit in tokens."""
    errors: tuple[ErrorExample, ...]
    """The errors of the highest confidence, highest first."""


def read_texts(run: ReportedRun, *, examples: int, attribution: bool, device: torch.device) -> Texts:
    """Read the documents of a run's shown split, count their tokens and explain its surest errors.

    Args:
        run: the run.
        examples: how many errors at most.
        attribution: compute which words mattered.
        device: where the model runs.

    Raises:
        DataError: a data file is gone or is not what it was.
        ModelError: the model or its tokenizer cannot be loaded.
    """
    for files in run.record["data"].values():
        for entry in files:
            path = Path(entry["file"])
            if not path.is_file():
                raise DataError(f"{path}: no longer there")
            if file_sha256(path) != entry["sha256"]:
                raise DataError(f"{path}: has changed since the run")
    finished = FinishedRun.load(run.directory.path, device=device, precision="float32")
    source = Source(files={name: finished.files(name) for name in run.record["data"]}, columns=finished.columns)
    found = {example.id: example for example in read_splits(run.task, source)[run.shown]}
    predictions = run.split.predictions
    missing = next((name for name in predictions.ids if name not in found), None)
    if missing is not None:
        raise DataError(f"{run.directory.predictions(run.shown)}: id {missing!r} is not in the data of the run")
    pairs = [(found[name].text, found[name].text_pair) for name in predictions.ids]
    lengths = _token_counts(finished, pairs)
    wrong = np.flatnonzero(~predictions.correct)
    wrong = wrong[np.argsort(-predictions.shares[wrong, 0], kind="stable")][:examples]
    errors = []
    for row in wrong.tolist():
        texts = tuple(text for text in pairs[row] if text is not None)
        words = _words(finished, texts, run, row) if attribution else ()
        errors.append(ErrorExample(row, texts, words))
    return Texts(lengths, int(run.record["max_length"]), tuple(errors))


def _classifier(finished: FinishedRun) -> DebertaV2ForSequenceClassification:
    assert isinstance(finished.model, DebertaV2ForSequenceClassification)  # the run was read as a classifier's
    return finished.model


def _token_counts(finished: FinishedRun, pairs: Sequence[tuple[str, str | None]]) -> NDArray[np.int64]:
    encoded = finished.tokenizer([first for first, _ in pairs], [second for _, second in pairs], return_length=True)
    return np.array(encoded["length"], dtype=np.int64)


def _words(finished: FinishedRun, texts: tuple[str, ...], run: ReportedRun, row: int) -> tuple[tuple[Word, ...], ...]:
    predictions = run.split.predictions
    encoded = finished.tokenizer(
        texts[0],
        texts[1] if len(texts) > 1 else None,
        truncation=True,
        max_length=run.record["max_length"],
        return_offsets_mapping=True,
    )
    ids, kinds, offsets = encoded["input_ids"], encoded["token_type_ids"], encoded["offset_mapping"]
    scores = token_scores(_classifier(finished), ids, kinds, int(predictions.first[row]), int(predictions.true[row]))
    result = []
    for place, text in enumerate(texts):
        mine = [index for index, kind in enumerate(kinds) if kind == place]
        result.append(tuple(word_scores(text, [offsets[i] for i in mine], [scores[i] for i in mine])))
    return tuple(result)
