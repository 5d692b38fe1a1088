"""Multiple-choice questions from the official files of RACE, AlphaNLI and COPA, put as in the original experiments."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from korscideberta.data.choices import Choice
from korscideberta.data.json_files import json_lines, member, remember, text_of
from korscideberta.data.text_files import read_text
from korscideberta.errors import DataError

LETTERS = "ABCD"


def read_race(path: Path, *, labelled: bool) -> list[Choice]:
    """Read `{"id", "article", "questions", "options", "answers"}` a line: several questions of four options each.

    The gap `_` of a question is left as it stands. A question's id is that of the article and its number, from 0.

    Raises:
        DataError: a line is not of this layout, lists are of different length, a question has not four options, an
            answer is not A, B, C or D, an id occurs twice.
    """
    choices: list[Choice] = []
    places: dict[str, str] = {}
    for origin, record in json_lines(path):
        identity = str(member(record, "id", (str, int), origin))
        article = _one_line(text_of(record, "article", origin))
        remember(places, identity, origin)
        lists = {name: member(record, name, list, origin) for name in ("questions", "options")}
        answers = member(record, "answers", list, origin) if labelled else [None] * len(lists["questions"])
        lengths = {**{name: len(items) for name, items in lists.items()}, "answers": len(answers)}
        if len(set(lengths.values())) > 1:
            found = ", ".join(f"{count} {name}" for name, count in lengths.items())
            raise DataError(f"{origin}: {found}; there must be as many of each")
        for number, (question, options, answer) in enumerate(
            zip(lists["questions"], lists["options"], answers, strict=True)
        ):
            here = f"{origin}: question {number}"
            if not isinstance(question, str) or not _are_texts(options, len(LETTERS)):
                raise DataError(f"{here}: a text and four options were expected, found {question!r} and {options!r}")
            choices.append(
                Choice(
                    id=f"{identity}-{number}",
                    origin=here,
                    pairs=tuple((article, _one_line(f"{question} {option}")) for option in options),
                    answers=tuple(options),
                    gold=_number(answer, LETTERS, here, "answer") if labelled else None,
                )
            )
    return choices


def read_alphanli(path: Path, *, labelled: bool) -> list[Choice]:
    """Read `{"story_id", "obs1", "obs2", "hyp1", "hyp2"}` a line, and the label, 1 or 2, of each.

    Labels of `train.jsonl` stand in `train-labels.lst` beside it. A story occurs in several lines, so the line's number
    is the id.

    Raises:
        DataError: a line is not of this layout, there are more or fewer labels than lines, a label is not 1 or 2.
    """
    rows = list(json_lines(path))
    labels: list[str | None] = [None] * len(rows)
    beside = path.with_name(f"{path.stem}-labels.lst")
    if labelled:
        labels = [*read_text(beside).split()]
        if len(labels) != len(rows):
            raise DataError(f"{beside}: {len(labels)} labels to the {len(rows)} lines of {path.name}")
    choices = []
    for number, ((origin, record), label) in enumerate(zip(rows, labels, strict=True), start=1):
        observed = " ".join(text_of(record, name, origin) for name in ("obs1", "obs2"))
        answers = (text_of(record, "hyp1", origin), text_of(record, "hyp2", origin))
        choices.append(
            Choice(
                id=str(number),
                origin=origin,
                pairs=tuple((observed, answer) for answer in answers),
                answers=answers,
                gold=_number(label, "12", f"{beside}:{number}", "label") if labelled else None,
            )
        )
    return choices


def read_copa(path: Path, *, labelled: bool) -> list[Choice]:
    """Read `{"premise", "choice1", "choice2", "question", "idx", "label"}` a line (SuperGLUE).

    The cause is read first, whichever of premise and choice it is; so what is asked for need not be told.

    Raises:
        DataError: a line is not of this layout, `question` is neither cause nor effect, a label not 0 or 1, an `idx`
            occurs twice.
    """
    choices: list[Choice] = []
    places: dict[str, str] = {}
    for origin, record in json_lines(path):
        identity = str(member(record, "idx", (int, str), origin))
        remember(places, identity, origin)
        premise = text_of(record, "premise", origin)
        answers = (text_of(record, "choice1", origin), text_of(record, "choice2", origin))
        asked = text_of(record, "question", origin)
        if asked not in ("cause", "effect"):
            raise DataError(f"{origin}: question is {asked!r}; use cause or effect")
        choices.append(
            Choice(
                id=identity,
                origin=origin,
                pairs=tuple((answer, premise) if asked == "cause" else (premise, answer) for answer in answers),
                answers=answers,
                gold=_number(member(record, "label", (int, str), origin), "01", origin, "label") if labelled else None,
            )
        )
    return choices


def _number(label: Any, known: str, origin: str, name: str) -> int:
    text = str(label)
    if len(text) != 1 or text not in known:
        raise DataError(f"{origin}: {name} is {label!r}; use one of {', '.join(known)}")
    return known.index(text)


def _are_texts(values: Any, count: int) -> bool:
    return isinstance(values, list) and len(values) == count and all(isinstance(value, str) for value in values)


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
