"""Entities in texts: a tag for each piece, put together to spans of characters.

Shapes: P pieces of a text, C labels.
"""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from korscideberta.data.batching import BatchSize
from korscideberta.data.bio import OUTSIDE, Entity, labels_of, tags_of
from korscideberta.data.features import Features, Limits
from korscideberta.data.tagged import TaggedText, check_type
from korscideberta.data.tagged_files import column_lines, leaderboard_row
from korscideberta.data.token_features import IGNORED, Pieces, TokenFeatures, Unit, align
from korscideberta.errors import DataError, ModelError
from korscideberta.inference import Progress, predict_token_logits, probabilities
from korscideberta.metrics.spans import entities
from korscideberta.model.encoder import PretrainedModel
from korscideberta.model.heads import DebertaV2ForTokenClassification
from korscideberta.tasks import Task
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.training.kinds.kind import Kind, Stored
from korscideberta.training.losses import TokenCrossEntropy
from korscideberta.training.settings import TrainSettings

logger = logging.getLogger(__name__)

_MANY = 0.05


class Found(NamedTuple):
    """A predicted entity."""

    start: int
    end: int
    label: str
    probability: float
    """Mean of its pieces' probabilities."""

    @property
    def entity(self) -> Entity:
        """Where it stands and its type."""
        return self.start, self.end, self.label


class TokenKind(Kind[TaggedText, list[list[Found]]]):
    """Tagging, by the cross-entropy of each labelled piece.

    Args:
        task: the task.
        labels: `O` and the BIO tags.
        unit: what a tag belongs to: words where the training texts came as tokens, else characters.
    """

    model = DebertaV2ForTokenClassification
    suffixes = (".jsonl", ".conll", ".csv")
    appended = suffixes
    windows = True
    pipeline = "token-classification"
    answer = "[model.config.id2label[index] for index in logits[0].argmax(-1).tolist()]"

    def __init__(self, task: Task, labels: tuple[str, ...], unit: Unit) -> None:
        super().__init__(task, labels)
        self.unit = unit
        self.types = tuple(dict.fromkeys(label[2:] for label in labels if label != OUTSIDE))

    @classmethod
    def learn(cls, task: Task, train: Sequence[TaggedText], origin: str) -> TokenKind:
        """Take the entity types from the texts unless the task fixes them, and see whether they came as tokens."""
        found = {label for text in train for _, _, label in text.entities}
        if not found:
            raise DataError(f"{origin}: no text has an entity; a tagger needs some to learn from")
        units: set[Unit] = {"character" if text.words is None else "word" for text in train}
        if len(units) > 1:
            raise DataError(f"{origin}: some training texts came as tokens, others as characters; give one sort")
        return cls(task, task.labels or labels_of(found), units.pop())

    def record(self) -> dict[str, Any]:
        """Labels and what they belong to."""
        return {**super().record(), "unit": self.unit}

    @classmethod
    def restore(cls, task: Task, record: Mapping[str, Any]) -> TokenKind:
        """The kind of a finished run."""
        return cls(task, tuple(record["labels"]), record["unit"])

    @staticmethod
    def stratum(example: TaggedText) -> str:
        """Whether the text has entities."""
        return str(bool(example.entities))

    def check(self, examples: Sequence[TaggedText]) -> None:
        """Refuse an entity of another type."""
        for text in examples:
            for _, _, label in text.entities:
                check_type(label, self.types, text.origin)

    def texts(self, example: TaggedText) -> Iterable[str]:
        """The text."""
        return (example.text,)

    def gold(self, example: TaggedText) -> list[dict[str, Any]]:
        """The entities."""
        return [_as_json(example, entity) for entity in example.entities]

    def from_texts(self, texts: Sequence[str], pairs: Sequence[str | None]) -> list[TaggedText]:
        """Make examples of texts given on the command line."""
        return [TaggedText(id=str(number), text=text) for number, text in enumerate(texts, start=1)]

    def encode(
        self,
        examples: Sequence[TaggedText],
        tokenizer: DebertaV2Tokenizer,
        limits: Limits,
        *,
        labelled: bool,
        cache: Path | None = None,
    ) -> TokenFeatures:
        """Windows over each text; targets (T,) are label indices."""
        pieces = align(examples, tokenizer, self.unit)
        if not labelled:
            return TokenFeatures(pieces, None, tokenizer, limits)
        _report_unreachable(pieces, examples)
        targets = [
            [
                self.labels.index(tag) if start < end else IGNORED
                for tag, (start, end) in zip(tags_of(one.spans, text.entities), one.spans, strict=True)
            ]
            for one, text in zip(pieces, examples, strict=True)
        ]
        return TokenFeatures(pieces, targets, tokenizer, limits)

    def objective(self, settings: TrainSettings) -> TokenCrossEntropy:
        """The cross-entropy."""
        return TokenCrossEntropy()

    def outputs(
        self,
        model: PretrainedModel,
        features: Features,
        *,
        batch_size: BatchSize,
        precision: str,
        progress: Progress | None,
    ) -> list[list[Found]]:
        """Return the entities of each text, in their order."""
        assert isinstance(features, TokenFeatures)
        logits = predict_token_logits(model, features, batch_size=batch_size, precision=precision, progress=progress)
        texts = zip(features.pieces, features.stitched(logits), strict=True)
        return [decode(pieces, logits_PC, self.labels) for pieces, logits_PC in texts]

    def figures(self, examples: Sequence[TaggedText], outputs: list[list[Found]], k: int) -> dict[str, float]:
        """The task's figures, those of finding nothing, and the number of documents."""
        self.check(examples)
        nothing = self.task.score(examples, [()] * len(examples), self.types)
        return {
            **self.task.score(examples, [[one.entity for one in line] for line in outputs], self.types),
            **{f"majority_{name}": figure for name, figure in nothing.items()},
            "documents": len(examples),
        }

    def predictions(self, examples: Sequence[TaggedText], outputs: list[list[Found]], k: int) -> list[dict[str, Any]]:
        """The text with its entities."""
        return [
            {
                "text": text.text,
                "entities": [{**_as_json(text, one.entity), "probability": round(one.probability, 6)} for one in found],
            }
            for text, found in zip(examples, outputs, strict=True)
        ]

    def shown(self, prediction: Mapping[str, Any]) -> list[str]:
        """A line an entity."""
        return [
            f"{one['probability']:6.1%}  {one['label']}  {one['text']}  ({one['start']}–{one['end']})"
            for one in prediction["entities"]
        ] or ["no entities"]

    def part(
        self,
        suffix: str,
        examples: Sequence[TaggedText],
        predictions: Sequence[Mapping[str, Any]],
        *,
        labelled: bool,
        first: bool,
    ) -> str:
        """Columns of a `.conll` file, gold tags before predicted ones, KLUE's rows of a `.csv` file, else lines."""
        if suffix == ".jsonl":
            return super().part(suffix, examples, predictions, labelled=labelled, first=first)
        stream = io.StringIO(newline="")
        for text, prediction in zip(examples, predictions, strict=True):
            found = [_from_json(one) for one in prediction["entities"]]
            if suffix == ".csv":
                csv.writer(stream).writerow(leaderboard_row(text, found, self.labels))
            else:
                columns = [text.entities, found] if labelled else [found]
                stream.writelines(f"{line}\n" for line in column_lines(text, columns))
        return stream.getvalue()

    def stored(self, path: Path) -> Stored:
        """Read a run's JSON Lines file."""
        try:
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            texts = [
                TaggedText(id=row["id"], text=row["text"], entities=tuple(map(_from_json, row["gold"]))) for row in rows
            ]
            predicted = [[_from_json(one) for one in row["entities"]] for row in rows]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path}: not the predictions of this run ({error}); train again") from None

        def score(indices: NDArray[np.int64]) -> dict[str, float]:
            return self.task.score([texts[i] for i in indices], [predicted[i] for i in indices], self.types)

        return Stored(len(rows), score)


def decode(pieces: Pieces, logits_PC: NDArray[np.float32], labels: Sequence[str]) -> list[Found]:
    """Return the entities that the likeliest tags of a text's pieces spell.

    An `I-` tag that continues nothing begins an entity. Pieces that speak for no characters have no say.
    """
    speaking = [place for place, (start, end) in enumerate(pieces.spans) if start < end]
    if not speaking:
        return []
    shares = probabilities(logits_PC[speaking])
    share = shares.max(axis=1)
    spans = [pieces.spans[place] for place in speaking]
    return [
        Found(spans[first][0], spans[end - 1][1], label, float(share[first:end].mean()))
        for first, end, label in entities([labels[index] for index in shares.argmax(axis=1)])
    ]


def unreachable(pieces: Pieces, gold: Sequence[Entity]) -> int:
    """Return how many gold entities no tags of these pieces spell, as one begins or ends inside a piece."""
    spans = [span for span in pieces.spans if span[0] < span[1]]
    spelt = {(spans[first][0], spans[end - 1][1], label) for first, end, label in entities(tags_of(spans, gold))}
    return len(set(gold) - spelt)


def _report_unreachable(pieces: Sequence[Pieces], examples: Sequence[TaggedText]) -> None:
    lost = sum(unreachable(one, text.entities) for one, text in zip(pieces, examples, strict=True))
    total = sum(len(text.entities) for text in examples)
    if lost:
        many = lost > _MANY * total
        logger.log(
            logging.WARNING if many else logging.INFO,
            "%d of %d entities (%.1f %%) begin or end inside a piece and cannot be found whole%s",
            lost, total, 100 * lost / total, "; lower --vocab-size or choose an analyser with --engine" if many else "",
        )  # fmt: skip


def _as_json(text: TaggedText, entity: Entity) -> dict[str, Any]:
    start, end, label = entity
    return {"start": start, "end": end, "label": label, "text": text.text[start:end]}


def _from_json(entity: Mapping[str, Any]) -> Entity:
    return entity["start"], entity["end"], entity["label"]
