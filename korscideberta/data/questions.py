"""Questions on a context, from files in the layout of SQuAD: SQuAD 1.1 and 2.0, KorQuAD 1.0, KLUE-MRC and one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from korscideberta.data.examples import BaseExample
from korscideberta.data.json_files import member, parse_json, remember, text_of
from korscideberta.data.text_files import read_text
from korscideberta.errors import DataError

Span = tuple[int, int]
"""Half-open, in characters of a context."""
PLACEHOLDER = "@placeholder"
"""What marks the gap in a question whose answer is to be filled in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question(BaseExample):
    """A question and the text in which its answer stands."""

    question: str
    context: str
    title: str = ""
    """The article the context is from; what is held back for evaluation shares no article with the rest."""
    answers: tuple[Span, ...] = ()
    """Where the gold answers stand in the context, the first one first; none where they are unknown, too."""
    impossible: bool = False
    """Whether the context holds no answer."""
    candidates: tuple[Span, ...] | None = None
    """Where an answer may stand; None is anywhere."""

    @property
    def gold(self) -> tuple[str, ...]:
        """The texts of the gold answers."""
        return tuple(self.context[start:end] for start, end in self.answers)


def read_squad(path: Path, *, labelled: bool, some_impossible: bool) -> list[Question]:
    """Read `{"data": [{"title", "paragraphs": [{"context", "qas": [{"id" (or "guid"), "question", "answers"}]}]}]}`.

    Args:
        path: the JSON file.
        labelled: whether answers must be there and are checked, or are not looked at.
        some_impossible: whether questions may be marked `is_impossible`.

    Raises:
        DataError: the file is not of this layout, a context, question or answer is empty, an answer does not stand
            where it says, a question has no answer or, against `some_impossible`, is marked so, an id occurs twice.
    """
    content = parse_json(read_text(path), str(path))
    if isinstance(content, dict) and "data" in content:
        articles = member(content, "data", list, str(path))
    else:
        raise DataError(f'{path}: no list under "data"; a file in the layout of SQuAD is needed')
    questions: list[Question] = []
    places: dict[str, str] = {}
    for number, article in enumerate(articles):
        where = f"{path}: data[{number}]"
        for index, paragraph in enumerate(member(article, "paragraphs", list, where)):
            here = f"{where}.paragraphs[{index}]"
            context = text_of(paragraph, "context", here)
            for place, qa in enumerate(member(paragraph, "qas", list, here)):
                question = _question(
                    path, qa, f"{here}.qas[{place}]", context, str(article.get("title") or number), labelled
                )
                if question.impossible and not some_impossible:
                    raise DataError(f"{question.origin}: is_impossible is true, but this task has an answer to all")
                remember(places, question.id, f"{here}.qas[{place}]")
                questions.append(question)
    if not questions:
        raise DataError(f"{path}: there are no questions")
    return questions


def _question(path: Path, qa: Any, here: str, context: str, title: str, labelled: bool) -> Question:
    identity = member(qa, "guid" if isinstance(qa, dict) and "guid" in qa else "id", (str, int), here)
    origin = f"{path}: question {identity}"
    impossible = labelled and member(qa, "is_impossible", bool, origin) if "is_impossible" in qa else False
    answers: tuple[Span, ...] = ()
    if labelled:
        given = member(qa, "answers", list, origin)
        answers = tuple(answer_span(context, answer, origin) for answer in given)
        if impossible and answers:
            raise DataError(f"{origin}: is_impossible is true, and yet there are answers")
        if not impossible and not answers:
            raise DataError(f"{origin}: no answers; add one, or set is_impossible where the context holds none")
    return Question(
        id=str(identity),
        origin=origin,
        question=text_of(qa, "question", origin),
        context=context,
        title=title,
        answers=answers,
        impossible=impossible,
    )


def answer_span(context: str, answer: Any, origin: str) -> Span:
    """Return where `{"text", "answer_start"}` says an answer stands; DataError where something else stands there."""
    text = text_of(answer, "text", origin)
    start = member(answer, "answer_start", int, origin)
    end = start + len(text)
    if start < 0 or context[start:end] != text:
        found = context[max(start, 0) : max(end, 0)]
        nearest = context.find(text)
        hint = f"it is at {nearest}" if nearest >= 0 else "it does not occur in the context"
        raise DataError(f"{origin}: answer_start {start} of {text!r}: the context has {found!r} there; {hint}")
    return start, end
