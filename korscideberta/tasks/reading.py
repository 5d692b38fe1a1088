"""Questions whose answer is a part of a text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from korscideberta.data.examples import Columns
from korscideberta.data.questions import Question, read_squad
from korscideberta.data.record import read_record
from korscideberta.errors import ConfigError
from korscideberta.metrics import reading
from korscideberta.tasks.official import answers_by_id, superglue_answer
from korscideberta.tasks.task import Task, register

_SQUAD = "the JSON of SQuAD: data > paragraphs (context) > qas (id, question, answers of text and answer_start)"


def _squad(path: Path, columns: Columns | None, split: str | None, labelled: bool) -> list[Question]:
    _refuse(columns)
    return read_squad(path, labelled=labelled, some_impossible=False)


def _squad2(path: Path, columns: Columns | None, split: str | None, labelled: bool) -> list[Question]:
    _refuse(columns)
    return read_squad(path, labelled=labelled, some_impossible=True)


def _record(path: Path, columns: Columns | None, split: str | None, labelled: bool) -> list[Question]:
    _refuse(columns)
    return read_record(path, labelled=labelled)


def _refuse(columns: Columns | None) -> None:
    if columns is not None:
        raise ConfigError("--text: files of questions have no columns to choose; see 'korsci tasks' for their layout")


KORQUAD = register(
    Task(
        name="korquad",
        summary="questions on Korean Wikipedia articles: KorQuAD 1.0",
        layout=_SQUAD,
        labels=None,
        metric="f1",
        score=reading.korquad,
        read=_squad,
        head="reading",
        official={".json": answers_by_id},
        tables=False,
        pair=True,
        max_length=384,
    )
)
register(
    replace(KORQUAD, name="squad", summary="questions on English Wikipedia articles: SQuAD 1.1", score=reading.squad)
)
SQUAD2 = register(
    replace(
        KORQUAD,
        name="squad2",
        summary="questions on English Wikipedia articles, some without an answer: SQuAD 2.0",
        layout=f"{_SQUAD}, is_impossible",
        metric="best_f1",
        score=reading.squad2,
        read=_squad2,
        head="reading-or-none",
    )
)
register(
    replace(
        SQUAD2,
        name="klue-mrc",
        summary="questions on Korean news and Wikipedia articles, some without an answer: KLUE-MRC",
        layout=f"{_SQUAD}, is_impossible; guid in place of id",
        metric="best_rouge_w",
        score=reading.klue_mrc,
        max_length=512,
    )
)
register(
    replace(
        SQUAD2,
        name="answer",
        summary="your own questions in the layout of SQuAD, with or without such that have no answer",
        score=reading.own,
    )
)
register(
    replace(
        KORQUAD,
        name="record",
        summary="which entity of an article a gap in a sentence stands for: ReCoRD of SuperGLUE",
        layout="passage (text, entities), qas (idx, query with @placeholder, answers), JSON Lines",
        score=reading.squad,
        read=_record,
        max_length=512,
        official={".jsonl": superglue_answer},
    )
)
