"""JSON of a given layout: what is missing or of the wrong kind is named with the place where it should be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from korscideberta.data.text_files import read_text
from korscideberta.errors import DataError


def json_lines(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield `file:line` and the value of each line that is not blank.

    Raises:
        DataError: a line is not JSON, or there is none.
    """
    numbered = enumerate(read_text(path).split("\n"), start=1)
    lines = [(f"{path}:{number}", line) for number, line in numbered if line.strip()]
    if not lines:
        raise DataError(f"{path}: the file is empty")
    for origin, line in lines:
        yield origin, parse_json(line, origin)


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
