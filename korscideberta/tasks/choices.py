"""One of several answers to a question."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from korscideberta.data.choice_files import LETTERS, read_alphanli, read_copa, read_race
from korscideberta.data.choices import Choice
from korscideberta.data.examples import Columns
from korscideberta.data.json_files import json_lines, parse_json, remember
from korscideberta.data.readers import Row, Table, is_missing, read_table
from korscideberta.data.text_files import read_text
from korscideberta.errors import ConfigError, DataError
from korscideberta.metrics import choice
from korscideberta.tasks.official import answers_by_id, bare_answers, superglue_answer
from korscideberta.tasks.tables import rows_of_split
from korscideberta.tasks.task import Reader, Task, register

_NUMBERED = re.compile(r"(choice|ending|option|answer|보기|선택지)[ _]?\d+")
_CONTEXTS = ("context", "지문", "본문")
_QUESTIONS = ("question", "질문", "문제")
_CHOICES = ("choices", "보기", "선택지")
_ANSWERS = ("answer", "label", "정답", "답")


def read_choose(path: Path, columns: Columns | None, split: str | None, labelled: bool) -> list[Choice]:
    """Read a table of questions: texts, the choices, and which of them is right.

    `columns.text` are the texts; the last of several is the question, which is read with each choice. The choices stand
    in the columns that `columns.text_pair` names, separated by commas, or in a single one: joined with `|`, in JSON a
    list. Without names these are `context` and `question`, `choices` or numbered columns such as `choice1` or
    `ending0`, and `answer` or `label`, or what these are in Korean (지문, 질문, 보기, 정답). An answer is the text of a
    choice, its letter or its number, counted from 0.

    Raises:
        DataError: a column is missing, a row has no text, an empty choice or fewer than two, its answer is none of
            them, an id occurs twice.
    """
    table = read_table(path)
    chosen = columns or _own_columns(table)
    names = tuple(name.strip() for name in (chosen.text_pair or "").split(",") if name.strip())
    if not names:
        raise ConfigError("--text-pair is missing: name the columns of the choices, separated by commas")
    label = chosen.label or _ANSWERS[0]
    table.require((*chosen.text, *names, *((label,) if labelled else ()), *((chosen.id,) if chosen.id else ())))
    lists = _lists(path, names[0]) if len(names) == 1 else {}
    choices: list[Choice] = []
    places: dict[str, str] = {}
    for number, row in enumerate(rows_of_split(table, split), start=1):
        identity = row.cells[chosen.id] if chosen.id else str(number)
        remember(places, identity, row.origin)
        texts = [row.cells[name] for name in chosen.text if not is_missing(row.cells[name])]
        if not texts:
            raise DataError(f"{row.origin}: no text in column {', '.join(map(repr, chosen.text))}")
        answers = lists.get(row.origin) or _cells(row, names)
        if len(answers) < 2 or not all(answer.strip() for answer in answers):
            raise DataError(f"{row.origin}: two or more choices are needed and none may be empty, found {answers!r}")
        context, asked = ("\n".join(texts[:-1]), f"{texts[-1]} ") if len(texts) > 1 else (texts[0], "")
        choices.append(
            Choice(
                id=identity,
                origin=row.origin,
                pairs=tuple((context, f"{asked}{answer}") for answer in answers),
                answers=tuple(answers),
                gold=_right(row, row.cells[label], answers) if labelled else None,
            )
        )
    return choices


def _own_columns(table: Table) -> Columns:
    texts = (_first(table, _CONTEXTS), _first(table, _QUESTIONS))
    text = tuple(name for name in texts if name is not None)
    if not text:
        table.require(_QUESTIONS[:1])
    numbered = [name for name in table.columns if _NUMBERED.fullmatch(name)]
    return Columns(
        text=text,
        text_pair=_first(table, _CHOICES) or ",".join(numbered) or _CHOICES[0],
        label=_first(table, _ANSWERS),
        id="id" if "id" in table.columns else None,
    )


def _first(table: Table, names: Sequence[str]) -> str | None:
    return next((name for name in names if name in table.columns), None)


def _cells(row: Row, names: Sequence[str]) -> list[str]:
    if len(names) == 1:
        return [part.strip() for part in row.cells[names[0]].split("|")]
    # Rows may have fewer choices than there are columns.
    cells = [row.cells[name] for name in names]
    while cells and is_missing(cells[-1]):
        cells.pop()
    return cells


def _lists(path: Path, name: str) -> dict[str, list[str]]:
    """The choices by the origin of the row where a JSON file has them as lists: a text in them may hold a `|`."""
    records: list[tuple[str, Any]] = []
    if path.suffix.lower() == ".jsonl":
        records = list(json_lines(path))
    elif path.suffix.lower() == ".json":
        records = [(f"{path}[{index}]", record) for index, record in enumerate(parse_json(read_text(path), str(path)))]
    lists = {}
    for origin, record in records:
        found = record.get(name)
        if isinstance(found, list):
            if not all(isinstance(text, str) for text in found):
                raise DataError(f"{origin}: {name!r} must be texts, found {found!r}")
            lists[origin] = found
    return lists


def _right(row: Row, cell: str, answers: Sequence[str]) -> int:
    """The number of the right answer: a text wins over a letter or number that is spelt the same."""
    found = cell.strip()
    texts = [answer.strip() for answer in answers]
    if texts.count(found) == 1:
        return texts.index(found)
    if len(found) == 1 and "A" <= found.upper() <= "Z":
        number = ord(found.upper()) - ord("A")
    else:
        number = int(found) if found.isdecimal() else -1
    if not 0 <= number < len(answers):
        raise DataError(
            f"{row.origin}: the answer is {cell!r}; give the text of one of the choices, a letter up to "
            f"{chr(ord('A') + len(answers) - 1)} or a number from 0 to {len(answers) - 1}"
        )
    return number


def _official(read: Callable[..., list[Choice]]) -> Reader:
    def reader(path: Path, columns: Columns | None, split: str | None, labelled: bool) -> list[Choice]:
        if columns is not None:
            raise ConfigError("--text: the columns of the official files are fixed; 'choose' takes any")
        return read(path, labelled=labelled)

    return reader


RACE = register(
    Task(
        name="race",
        summary="English examinations, four answers a question: RACE",
        layout="id, article, questions, options, answers (A to D), JSON Lines",
        labels=tuple(LETTERS),
        metric="accuracy",
        score=choice.race,
        read=_official(read_race),
        head="choice",
        official={".json": answers_by_id},
        tables=False,
        max_length=320,
    )
)
ALPHANLI = register(
    replace(
        RACE,
        name="alphanli",
        summary="which of two hypotheses explains two observations: AlphaNLI",
        layout="story_id, obs1, obs2, hyp1, hyp2, JSON Lines; labels in NAME-labels.lst beside NAME.jsonl",
        labels=("1", "2"),
        score=choice.accuracy,
        read=_official(read_alphanli),
        official={".lst": bare_answers},
        max_length=70,
    )
)
register(
    replace(
        ALPHANLI,
        name="copa",
        summary="which of two sentences is a cause or an effect: COPA of SuperGLUE",
        layout="premise, choice1, choice2, question (cause or effect), idx, label (0 or 1), JSON Lines",
        labels=("0", "1"),
        read=_official(read_copa),
        max_length=136,
        official={".jsonl": superglue_answer},
    )
)
register(
    Task(
        name="choose",
        summary="your own multiple-choice questions",
        layout="context, question, choices (joined with |) or choice1, choice2 …, answer; or any columns, chosen with "
        "--text context,question --text-pair a,b,c,d --label answer",
        labels=None,
        metric="accuracy",
        score=choice.accuracy,
        read=read_choose,
        head="choice",
        takes_columns=True,
        max_length=256,
    )
)
