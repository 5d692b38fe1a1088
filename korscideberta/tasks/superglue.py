"""Tasks of SuperGLUE (Wang et al. 2019, arXiv 1905.00537) with one label a text or pair; RTE is in `glue`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from korscideberta.data.examples import Example
from korscideberta.data.readers import Row, TableStream, open_table
from korscideberta.errors import DataError
from korscideberta.metrics import benchmarks
from korscideberta.tasks.layouts import layout, one_of, reader
from korscideberta.tasks.mnli import LABELS as INFERENCES
from korscideberta.tasks.official import superglue, superglue_answers
from korscideberta.tasks.task import Task, register

TRUTH = ("false", "true")
_WRITTEN = {"0": "false", "1": "true"}


def open_wic(path: Path) -> TableStream:
    """Open WiC: `text` and `text_pair` are the sentences with the word between asterisks, the word before the first."""
    table = open_table(path)
    table.require(("word", "sentence1", "sentence2", "start1", "end1", "start2", "end2"))

    def marked(row: Row) -> list[Row]:
        first, second = (_marked(row, f"sentence{i}", f"start{i}", f"end{i}") for i in (1, 2))
        return [Row({**row.cells, "text": f"{row.cells['word']}: {first}", "text_pair": second}, row.origin)]

    return table.mapped((*table.columns, "text", "text_pair"), marked)


def _marked(row: Row, sentence: str, start: str, end: str) -> str:
    text = row.cells[sentence]
    try:
        first, last = int(row.cells[start]), int(row.cells[end])
    except ValueError:
        raise DataError(f"{row.origin}: {start} and {end} must be numbers") from None
    if not 0 <= first < last <= len(text):
        raise DataError(f"{row.origin}: {start}={first}, {end}={last} lie outside {sentence} ({len(text)} characters)")
    return f"{text[:first]}* {text[first:last]} *{text[last:]}"


def open_multirc(path: Path) -> TableStream:
    """Open MultiRC: a row an answer, `text` the passage, `text_pair` question and answer, `part` the question."""
    table = open_table(path)
    table.require(("passage", "idx"))
    return table.mapped(("id", "text", "text_pair", "part", "label"), _answers)


def _answers(row: Row) -> Iterator[Row]:
    try:
        passage = json.loads(row.cells["passage"])
        for question in passage["questions"]:
            group = f"{row.cells['idx']}-{question['idx']}"
            yield from (_answer(passage, question, answer, group, row.origin) for answer in question["answers"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{row.origin}: not a passage with questions and answers as in MultiRC ({error!r})") from None


def _answer(passage: Any, question: Any, answer: Any, group: str, origin: str) -> Row:
    cells = {
        "id": f"{group}-{answer['idx']}",
        "text": passage["text"],
        "text_pair": f"{question['question']} {answer['text']}",
        "part": group,
        "label": str(answer.get("label", "")),
    }
    return Row(cells, origin)


def exact_match(examples: Sequence[Example], predicted: Sequence[str]) -> dict[str, float]:
    """Return `em`, the share of questions all of whose answers are judged rightly."""
    right = [example.labels[0] == label for example, label in zip(examples, predicted, strict=True)]
    return {"em": benchmarks.exact_match_by_group(right, [example.part for example in examples])}


BOOLQ = register(
    Task(
        name="boolq",
        summary="SuperGLUE BoolQ: is the answer to an English question yes",
        layout="question, passage, idx, label (true or false), JSON Lines",
        labels=TRUTH,
        metric="accuracy",
        score=benchmarks.accuracy_alone,
        read=reader([layout("question", pair="passage", id="idx")], one_of(TRUTH, _WRITTEN)),
        pair=True,
        official={".jsonl": superglue},
        max_length=512,
    )
)

CB = register(
    Task(
        name="cb",
        summary="SuperGLUE CB: inference on English texts with embedded clauses",
        layout="premise, hypothesis, idx, label (entailment, contradiction or neutral), JSON Lines",
        labels=INFERENCES,
        metric="accuracy",
        score=benchmarks.accuracy_and_macro_f1,
        read=reader([layout("premise", pair="hypothesis", id="idx")], one_of(INFERENCES)),
        pair=True,
        official={".jsonl": superglue},
        max_length=256,
    )
)

WIC = register(
    Task(
        name="wic",
        summary="SuperGLUE WiC: has a word the same meaning in two English sentences",
        layout="word, sentence1, sentence2, start1, end1, start2, end2, idx, label (true or false), JSON Lines",
        labels=TRUTH,
        metric="accuracy",
        score=benchmarks.accuracy_alone,
        read=reader([layout("text", pair="text_pair", id="idx")], one_of(TRUTH, _WRITTEN), table=open_wic),
        pair=True,
        official={".jsonl": superglue},
        max_length=128,
    )
)

MULTIRC = register(
    Task(
        name="multirc",
        summary="SuperGLUE MultiRC: which answers to a question on an English passage are right",
        layout="idx, passage (text, questions with answers and their labels), JSON Lines",
        labels=("0", "1"),
        metric="f1a",
        score=benchmarks.answers_f1,
        read=reader([layout("text", pair="text_pair", id="id", part="part")], one_of(("0", "1")), table=open_multirc),
        by_example=exact_match,
        pair=True,
        official={".jsonl": superglue_answers},
        max_length=512,
    )
)
