"""Tasks of KLUE (Park et al. 2021, arXiv 2105.09680) for texts and pairs; NLI is in `mnli`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from korscideberta.data.readers import Row, TableStream, open_table
from korscideberta.errors import DataError
from korscideberta.metrics import benchmarks
from korscideberta.metrics.regression import correlations, threshold_f1
from korscideberta.tasks.custom import number
from korscideberta.tasks.layouts import layout, one_of, reader
from korscideberta.tasks.task import Task, register

TOPICS = ("IT과학", "경제", "사회", "생활문화", "세계", "스포츠", "정치")
ALIKE = 3.0
"""From which degree on KLUE takes two sentences to say the same."""

RELATIONS = (
    "no_relation", "org:top_members/employees", "org:members", "org:product", "per:title", "org:alternate_names",
    "per:employee_of", "org:place_of_headquarters", "per:product", "org:number_of_employees/members", "per:children",
    "per:place_of_residence", "per:alternate_names", "per:other_family", "per:colleagues", "per:origin",
    "per:siblings", "per:spouse", "org:founded", "org:political/religious_affiliation", "org:member_of",
    "per:parents", "org:dissolved", "per:schools_attended", "per:date_of_death", "per:date_of_birth",
    "per:place_of_birth", "per:place_of_death", "org:founded_by", "per:religion",
)  # fmt: skip
"""`no_relation` first: the figures leave it out."""


def similarity(predicted: ArrayLike, gold: ArrayLike) -> dict[str, float]:
    """Return `pearson`, `f1` of a degree of 3 or more, `spearman` and `rmse`."""
    found = correlations(predicted, gold)
    return {"pearson": found["pearson"], "f1": threshold_f1(predicted, gold, ALIKE), **found}


def open_topics(path: Path) -> TableStream:
    """Open headlines; a column `topic` stands for `label` where there is none."""
    table = open_table(path)
    if "label" in table.columns or "topic" not in table.columns:
        return table
    return table.mapped(
        (*table.columns, "label"), lambda row: [Row({**row.cells, "label": row.cells["topic"]}, row.origin)]
    )


def open_sts(path: Path) -> TableStream:
    """Open KLUE-STS: `score` is the degree rounded to a tenth, as the official figures have it."""
    table = open_table(path)
    if "labels" not in table.columns:
        return table

    def scored(row: Row) -> list[Row]:
        labels = _object(row, "labels") if row.cells["labels"] else {}
        return [Row({**row.cells, "score": str(labels.get("label", ""))}, row.origin)]

    return table.mapped((*table.columns, "score"), scored)


def open_relations(path: Path) -> TableStream:
    """Open KLUE-RE: `text` is the sentence with its two entities between marks that name their types."""
    table = open_table(path)
    table.require(("sentence", "subject_entity", "object_entity"))

    def marked(row: Row) -> list[Row]:
        entities = [(mark, _object(row, column)) for mark, column in (("S", "subject_entity"), ("O", "object_entity"))]
        return [Row({**row.cells, "text": _marked(row, entities)}, row.origin)]

    return table.mapped((*table.columns, "text"), marked)


def _marked(row: Row, entities: list[tuple[str, Mapping[str, Any]]]) -> str:
    """The sentence with `[S:PER] … [/S]` around the subject and `[O:ORG] … [/O]` around the object."""
    text = row.cells["sentence"]
    inserts = []
    for mark, entity in entities:
        try:
            word, start, end, kind = entity["word"], entity["start_idx"], entity["end_idx"] + 1, entity["type"]
        except (KeyError, TypeError) as error:
            raise DataError(
                f"{row.origin}: an entity has no {error}; it needs word, start_idx, end_idx, type"
            ) from None
        if text[start:end] != word:
            raise DataError(f"{row.origin}: {word!r} does not stand at {start}–{end - 1}; found {text[start:end]!r}")
        inserts += [(start, 1, f"[{mark}:{kind}] "), (end, 0, f" [/{mark}]")]
    for place, _, insert in sorted(inserts, reverse=True):
        text = text[:place] + insert + text[place:]
    return text


def _object(row: Row, column: str) -> Mapping[str, Any]:
    try:
        value = json.loads(row.cells[column])
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise DataError(f"{row.origin}: {column} must be an object, found {row.cells[column]!r}")
    return value


YNAT = register(
    Task(
        name="ynat",
        summary="KLUE-YNAT: topics of Korean news headlines",
        layout="guid, title, label (KLUE) or title, topic",
        labels=TOPICS,
        metric="f1_macro",
        score=benchmarks.accuracy_and_macro_f1,
        read=reader([layout("title", label="label", id="guid")], one_of(TOPICS), table=open_topics),
        max_length=128,
    )
)

STS = register(
    Task(
        name="klue-sts",
        summary="KLUE-STS: how alike two Korean sentences are, 0 to 5",
        layout="guid, sentence1, sentence2, labels (KLUE) or sentence1, sentence2, score (KorSTS)",
        labels=None,
        head="regression",
        metric="pearson",
        score=similarity,
        read=reader([layout("sentence1", pair="sentence2", label="score", id="guid")], number, table=open_sts),
        pair=True,
        max_length=128,
    )
)

RE = register(
    Task(
        name="klue-re",
        summary="KLUE-RE: how two entities of a Korean sentence are related, 30 relations",
        layout="guid, sentence, subject_entity, object_entity (word, start_idx, end_idx, type), label",
        labels=RELATIONS,
        metric="f1_micro",
        score=benchmarks.relations,
        read=reader([layout("text", id="guid")], one_of(RELATIONS), table=open_relations),
        max_length=256,
    )
)
