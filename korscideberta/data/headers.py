"""Which columns of a table hold titles, abstracts, fields and ids, told by their headers.

Korean and English headers are known; `논문제목(국문)`, `국문 제목` and `제목` are the same header.
"""

from __future__ import annotations

import functools
import logging
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from korscideberta.data.examples import Columns
from korscideberta.data.identities import Identities
from korscideberta.data.readers import TableStream
from korscideberta.errors import DataError

logger = logging.getLogger(__name__)

_TITLES = ("제목", "명", "과제명", "title")
_TEXTS = ("초록", "요약", "요약문", "본문", "내용", "텍스트", "문장", "abstract", "summary", "text")
_LABELS = (
    "대분류",
    "분야",
    "연구분야",
    "분류",
    "주제",
    "라벨",
    "레이블",
    "fields",
    "field",
    "label",
    "category",
    "topic",
)
_LEVELS = (("대분류", "large"), ("중분류", "middle", "medium"), ("소분류", "small"))
_IDS = ("id", "번호", "일련번호", "연번", "관리번호")

_BRACKETS = re.compile(r"[(\[<{].*?[)\]>}]")
_NOT_A_LETTER = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"\d+$")
_OF_NO_CONCERN = re.compile(r"^(논문|국문|한글|과학기술표준분류|표준분류|연구분야)+(?=.)")
_KIND_OF_NAME = re.compile(r"(?<=.)(명|명칭|코드)$")


def guess_columns(table: TableStream, *, several_labels: bool, levels: int = 1) -> Columns:
    """Return the columns of a table that its headers tell, and say in the log which these are.

    Args:
        table: the table.
        several_labels: whether numbered label columns (대분류1, 대분류2 …) are all taken, not the first alone.
        levels: with more than one, columns of that many levels (대분류1, 중분류1, 소분류1) are joined with `>`.

    Raises:
        DataError: no header tells where the text stands.
    """
    plain = {name: _plain(name) for name in table.columns}
    text = tuple(filter(None, (_first(plain, _TITLES), _first(plain, _TEXTS))))
    if not text:
        raise DataError(
            f"{table.path}: no header tells which column holds the text; the file has "
            f"{', '.join(map(repr, table.columns))}; name columns with --text and --label"
        )
    labels = (_leveled(plain, text, levels) if levels > 1 else []) or _labels(plain, text)
    identity = _first(plain, _IDS)
    if identity is not None and _repeats(table, identity):
        identity = None
    kept = labels if several_labels else labels[:1]
    columns = Columns(text=text, label=",".join(kept) or None, id=identity)
    _announce(table.path, columns, tuple(labels[len(kept) :]))
    return columns


def _repeats(table: TableStream, column: str) -> bool:
    """Tell whether a cell of a column occurs twice."""
    with Identities() as identities:
        for row in table.rows:
            identities.add(row.cells[column])
        return bool(identities.repeated())


def _plain(header: str) -> str:
    """Return a header without case, width, spaces, punctuation, brackets and words that tell nothing."""
    header = _BRACKETS.sub("", unicodedata.normalize("NFKC", header).lower())
    header = _NOT_A_LETTER.sub("", header)
    return _OF_NO_CONCERN.sub("", header)


def _first(plain: dict[str, str], known: Sequence[str]) -> str | None:
    """Return the column whose header is known, that of the name that stands first in `known`."""
    return next((column for name in known for column, header in plain.items() if header == name), None)


def has_levels(table: TableStream) -> bool:
    """Tell whether headers name columns of middle or small fields."""
    plain = {name: _plain(name) for name in table.columns}
    return any(_numbered(plain, (), name) for names in _LEVELS[1:] for name in names)


def _leveled(plain: dict[str, str], text: Sequence[str], levels: int) -> list[str]:
    """Return for each number the columns of its levels, joined; none where no header names a level below the first."""
    by_level: list[dict[int, str]] = []
    for names in _LEVELS[:levels]:
        by_level.append(next((found for name in names if (found := _numbered(plain, text, name))), {}))
    if not any(by_level[1:]):
        return []
    numbers = sorted(set().union(*by_level))
    return [">".join(level[number] for level in by_level if number in level) for number in numbers]


def _labels(plain: dict[str, str], text: Sequence[str]) -> list[str]:
    """Return the label columns of the first known name, in the order of their numbers."""
    for name in _LABELS:
        found = _numbered(plain, text, name)
        if found:
            return [found[number] for number in sorted(found)]
    return []


def _numbered(plain: dict[str, str], text: Sequence[str], name: str) -> dict[int, str]:
    """Return the columns of a name by the number behind it, 0 for none."""
    found: dict[int, str] = {}
    for column, header in plain.items():
        number = _NUMBER.search(header)
        stem = _KIND_OF_NAME.sub("", header[: number.start()] if number else header)
        if stem == name and column not in text and not set(",>") & set(column):
            # A code and a name of the same field tell the same: the first of them is taken.
            found.setdefault(int(number.group()) if number else 0, column)
    return found


@functools.lru_cache(maxsize=64)
def _announce(path: Path, columns: Columns, left_out: tuple[str, ...]) -> None:
    """Say what was guessed, once a file."""
    parts = [f"text from {' and '.join(map(repr, columns.text))}"]
    if columns.label:
        parts.append(f"labels from {', '.join(map(repr, columns.label_columns))}")
    if columns.id:
        parts.append(f"ids from {columns.id!r}")
    more = f"; left out {', '.join(map(repr, left_out))}, as this task takes one label a row" if left_out else ""
    logger.info("%s: %s, by the headers%s; --text, --label and --id choose others", path, ", ".join(parts), more)
