"""ReCoRD: which of the entities of a passage a gap in a query stands for, from SuperGLUE's JSON Lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from korscideberta.data.json_files import json_lines, member, remember, text_of
from korscideberta.data.questions import PLACEHOLDER, Question, Span
from korscideberta.errors import DataError


def read_record(path: Path, *, labelled: bool) -> list[Question]:
    """Read `{"passage": {"text", "entities": [{"start", "end"}]}, "qas": [{"idx", "query", "answers"}]}` a line.

    The `end` of an entity or answer is its last character. The entities are the candidates of every query.

    Raises:
        DataError: the file is not of this layout, a query has no gap, a passage no entities, an answer is none of the
            entities or not what stands there, an id occurs twice.
    """
    questions: list[Question] = []
    places: dict[str, str] = {}
    for origin, record in json_lines(path):
        passage = member(record, "passage", dict, origin)
        context = text_of(passage, "text", f"{origin}: passage")
        # An entity that ends before it begins is passed over, as the original does.
        spans = (_span(entity, context, f"{origin}: entity") for entity in member(passage, "entities", list, origin))
        candidates = tuple(sorted({span for span in spans if span[0] < span[1]}))
        if not candidates:
            raise DataError(f"{origin}: the passage has no entities to choose from")
        for qa in member(record, "qas", list, origin):
            identity = str(member(qa, "idx", (int, str), origin))
            here = f"{origin}: query {identity}"
            remember(places, identity, here)
            query = text_of(qa, "query", here)
            if query.count(PLACEHOLDER) != 1:
                raise DataError(f"{here}: {PLACEHOLDER} must stand in it once, found {query.count(PLACEHOLDER)} times")
            questions.append(
                Question(
                    id=identity,
                    origin=here,
                    question=query,
                    context=context,
                    title=origin,
                    answers=_answers(qa, context, candidates, here) if labelled else (),
                    candidates=candidates,
                )
            )
    return questions


def _answers(qa: Any, context: str, candidates: tuple[Span, ...], origin: str) -> tuple[Span, ...]:
    answers = []
    for answer in member(qa, "answers", list, origin):
        span, text = _span(answer, context, origin), text_of(answer, "text", origin)
        if context[slice(*span)] != text:
            raise DataError(f"{origin}: the answer {text!r} is not what stands there: {context[slice(*span)]!r}")
        if span not in candidates:
            raise DataError(f"{origin}: the answer {text!r} at {span[0]} is none of the entities")
        answers.append(span)
    if not answers:
        raise DataError(f"{origin}: no answers")
    return tuple(answers)


def _span(entity: Any, context: str, origin: str) -> Span:
    start, end = member(entity, "start", int, origin), member(entity, "end", int, origin) + 1
    if not (0 <= start < len(context) and 0 <= end <= len(context)):
        raise DataError(f"{origin}: {start} to {end - 1} lies outside the passage of {len(context)} characters")
    return start, end
