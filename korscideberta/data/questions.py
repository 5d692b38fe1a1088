"""Questions on a context, from files in the layout of SQuAD: SQuAD 1.1 and 2.0, KorQuAD 1.0, KLUE-MRC and one's own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from korscideberta.data.readers import read_text
from korscideberta.errors import DataError

Span = tuple[int, int]
"""Half-open, in characters of a context."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question and the text in which its answer stands."""

    id: str
    origin: str = ""
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


def parse_json(text: str, origin: str) -> Any:
    """Parse JSON; DataError, naming `origin`, where it is none."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{origin}: not valid JSON ({error})") from None


def member(parent: Any, name: str, kind: type | tuple[type, ...], origin: str) -> Any:
    """Return `parent[name]`, which must be of that kind; DataError, naming `origin`, where it is missing or is not."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(parent, dict):
        raise DataError(f"{origin}: an object with {name!r} was expected, found {type(parent).__name__}")
    if name not in parent:
        raise DataError(f"{origin}: no {name!r}; there is {', '.join(map(repr, parent)) or 'nothing'}")
    value = parent[name]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        wanted = " or ".join(one.__name__ for one in kinds)
        raise DataError(f"{origin}: {name!r} must be {wanted}, found {type(value).__name__}")
    return value


def text_of(parent: Any, name: str, origin: str) -> str:
    """Return the text `parent[name]`; DataError where it is missing, not a text, or empty."""
    text: str = member(parent, name, str, origin)
    if not text.strip():
        raise DataError(f"{origin}: {name!r} is empty")
    return text


def remember(places: dict[str, str], identity: str, here: str) -> None:
    """Note where an id was used; DataError where it was used before."""
    if identity in places:
        raise DataError(f"{here}: id {identity!r} was already used at {places[identity]}")
    places[identity] = here
