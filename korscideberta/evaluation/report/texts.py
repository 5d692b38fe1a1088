"""The texts behind the predictions of a run, while its data files are still what they were."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from korscideberta.data.examples import Example
from korscideberta.errors import DataError
from korscideberta.evaluation.finished import FinishedRun
from korscideberta.evaluation.report.attribution import Word, token_scores, word_scores
from korscideberta.evaluation.report.runs import ReportedRun
from korscideberta.files import file_sha256
from korscideberta.model.heads import DebertaV2ForSequenceClassification
from korscideberta.training.finetune import DEV_SHARE, Source, read_splits
from korscideberta.training.kinds.sequence import SequenceKind


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
        run: the run; of a cross-validation each document is explained by the model that was tested on it.
        examples: how many errors at most.
        attribution: compute which words mattered.
        device: where the models run.

    Raises:
        DataError: a data file is gone or is not what it was.
        ModelError: a model or its tokenizer cannot be loaded.
    """
    predictions = run.split.predictions
    wrong = np.flatnonzero(~predictions.correct)
    surest = wrong[np.argsort(-predictions.shares[wrong, 0], kind="stable")][:examples].tolist()
    row_of = {name: row for row, name in enumerate(predictions.ids)}
    lengths = np.zeros(len(predictions.ids), dtype=np.int64)
    errors: dict[int, ErrorExample] = {}
    limit = 0
    for directory, split in run.models:
        finished = FinishedRun.load(directory.path, device=device, precision="float32")
        limit = int(finished.record["max_length"])
        found = [(row_of[one.id], one) for one in _read_split(finished, split) if one.id in row_of]
        encoded = finished.tokenizer(
            [one.text for _, one in found], [one.text_pair for _, one in found], return_length=True
        )
        lengths[[row for row, _ in found]] = encoded["length"]
        for row, one in found:
            if row in surest:
                texts = tuple(text for text in (one.text, one.text_pair) if text is not None)
                labels = predictions.labels[predictions.first[row]], predictions.labels[predictions.true[row]]
                errors[row] = ErrorExample(row, texts, _words(finished, texts, *labels) if attribution else ())
    if not lengths.all():
        lost = predictions.ids[int(np.flatnonzero(lengths == 0)[0])]
        raise DataError(f"id {lost!r} of the predictions is not in the data of the run")
    return Texts(lengths, limit, tuple(errors[row] for row in surest))


def _read_split(finished: FinishedRun, split: str) -> list[Example]:
    """The examples of a split, from files that are still those of the run."""
    record = finished.record
    for entry in (entry for files in record["data"].values() for entry in files):
        path = Path(entry["file"])
        if not path.is_file():
            raise DataError(f"{path}: no longer there")
        if file_sha256(path) != entry["sha256"]:
            raise DataError(f"{path}: has changed since the run")
    source = Source(
        files={name: finished.files(name) for name in record["data"]},
        columns=finished.columns,
        dev_share=record.get("dev_share", DEV_SHARE),
    )
    return read_splits(finished.task, source)[split]


def _words(finished: FinishedRun, texts: tuple[str, ...], label: str, other: str) -> tuple[tuple[Word, ...], ...]:
    """Of each text its words with what they add to the lead of one label over another."""
    model = finished.model
    kind = finished.kind
    assert isinstance(model, DebertaV2ForSequenceClassification)  # the run was read as a classifier's
    assert isinstance(kind, SequenceKind)
    encoded = finished.tokenizer(
        texts[0],
        texts[1] if len(texts) > 1 else None,
        truncation=True,
        max_length=finished.record["max_length"],
        return_offsets_mapping=True,
    )
    ids, kinds, offsets = encoded["input_ids"], encoded["token_type_ids"], encoded["offset_mapping"]
    labels = finished.record["labels"]
    scores = token_scores(model, ids, kinds, labels.index(label), labels.index(other), kind.of_labels)
    result = []
    for place, text in enumerate(texts):
        mine = [index for index, part in enumerate(kinds) if part == place]
        result.append(tuple(word_scores(text, [offsets[i] for i in mine], [scores[i] for i in mine])))
    return tuple(result)
