"""`klue-ner`: KLUE's named entities, tagged and scored by characters.

Source of labels and figures: KLUE-baseline, `klue_baseline/data/klue_ner.py` and `metrics/functional.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from korscideberta.data.bio import Entity
from korscideberta.data.examples import Columns
from korscideberta.data.tagged import TaggedText, read_tagged
from korscideberta.data.tagged_files import visible_tags
from korscideberta.metrics.spans import character_f1, entity_scores
from korscideberta.tasks.task import Task, register

TYPES = ("PS", "LC", "OG", "DT", "TI", "QT")
NAMED = tuple(f"{prefix}-{label}" for label in TYPES for prefix in "BI")
LABELS = (*NAMED, "O")
"""In the order of the official script, which the leaderboard's files number by."""


def read_klue_ner(path: Path, columns: Columns | None, split: str | None, labelled: bool) -> list[TaggedText]:
    """Read texts whose entities are of KLUE's types."""
    return read_tagged(path, labelled, TYPES)


def score_klue(
    texts: Sequence[TaggedText], predicted: Sequence[Sequence[Entity]], types: Sequence[str]
) -> dict[str, float]:
    """Return KLUE's two figures and those of `entity_scores`.

    `entity_f1` is the official macro-F1 over entity types, there `f1_macro`. `character_f1` is the official
    macro-F1 over the tags of characters other than spaces, `O` among them; `character_f1_named` leaves `O` out.
    """
    figures = entity_scores([text.entities for text in texts], predicted, types)
    gold_tags = [visible_tags(text.text, text.entities) for text in texts]
    tags = [visible_tags(text.text, entities) for text, entities in zip(texts, predicted, strict=True)]
    return {
        "entity_f1": figures.pop("f1_macro"),
        "character_f1": character_f1(gold_tags, tags, LABELS, official=True),
        "character_f1_named": character_f1(gold_tags, tags, NAMED, official=False),
        **figures,
    }


KLUE_NER = register(
    Task(
        name="klue-ner",
        summary="named entities of KLUE (PS, LC, OG, DT, TI, QT), by characters",
        layout="## ID<tab>sentence, then a line a character: character<tab>tag",
        labels=LABELS,
        metric="entity_f1",
        score=score_klue,
        read=read_klue_ner,
        head="token",
        tables=False,
        max_length=256,
    )
)
