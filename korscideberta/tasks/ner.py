"""`ner` and `tag`: entities in texts of words or characters, of CoNLL's types or of a user's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from korscideberta.data.bio import Entity
from korscideberta.data.examples import Columns
from korscideberta.data.tagged import TaggedText, read_tagged
from korscideberta.metrics.spans import entity_scores
from korscideberta.tasks.task import Task, register

TYPES = ("MISC", "PER", "ORG", "LOC")
LABELS = ("O", *(f"{prefix}-{label}" for label in TYPES for prefix in "BI"))
"""In the order of the original implementation, so that its fine-tuned heads keep their meaning."""


def read_ner(path: Path, columns: Columns | None, split: str | None, labelled: bool) -> list[TaggedText]:
    """Read texts whose entities are of CoNLL-2003's types."""
    return read_tagged(path, labelled, TYPES)


def read_tag(path: Path, columns: Columns | None, split: str | None, labelled: bool) -> list[TaggedText]:
    """Read texts with entities of any type."""
    return read_tagged(path, labelled)


def score_entities(
    texts: Sequence[TaggedText], predicted: Sequence[Sequence[Entity]], types: Sequence[str]
) -> dict[str, float]:
    """Compare predicted entities with those of the texts, as seqeval does."""
    return entity_scores([text.entities for text in texts], predicted, types)


NER = register(
    Task(
        name="ner",
        summary="named entities: CoNLL-2003 (PER, ORG, LOC, MISC)",
        layout="columns: token, …, tag; an empty line after each sentence (BIO, IOB1 or IOBES)",
        labels=LABELS,
        metric="f1_micro",
        score=score_entities,
        read=read_ner,
        head="token",
        tables=False,
        max_length=512,
    )
)

TAG = register(
    Task(
        name="tag",
        summary="your own entities: columns of tokens and tags, or JSON Lines of spans",
        layout='token and tag columns, or {"text", "entities": [{"start", "end", "label"}]}',
        labels=None,
        metric="f1_micro",
        score=score_entities,
        read=read_tag,
        head="token",
        tables=False,
        max_length=256,
    )
)
