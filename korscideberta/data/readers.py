"""Tables from CSV, TSV, JSON, JSON Lines, Excel and Parquet files; every fault is reported with its file and line."""

from __future__ import annotations

import csv
import functools
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from korscideberta.data.parquet import read_records, record_columns
from korscideberta.data.rows import Row, Rows
from korscideberta.data.spreadsheets import read_sheet
from korscideberta.data.text_files import find_encoding, open_text, read_text
from korscideberta.errors import DataError

logger = logging.getLogger(__name__)

_DIALECTS = {
    ".csv": (",", csv.QUOTE_MINIMAL),
    ".tsv": ("\t", csv.QUOTE_NONE),
    ".txt": ("\t", csv.QUOTE_NONE),
}
"""Separator and quoting of the delimited files, by the ending of their names."""
_MISSING = {"", "nan", "none", "null", "n/a", "<na>"}

AnyRows = TypeVar("AnyRows", bound="Iterable[Row]")

__all__ = ["Row", "Rows", "Table", "TableStream", "is_missing", "open_table", "read_columns", "read_table"]


@dataclass(frozen=True)
class TableStream:
    """The rows of a file, read anew each time one goes through them. `columns` are in file order."""

    path: Path
    columns: tuple[str, ...]
    rows: Iterable[Row]

    def require(self, names: tuple[str, ...]) -> None:
        """Refuse the table, naming its columns, unless it has all of `names`."""
        absent = [name for name in names if name not in self.columns]
        if absent:
            raise DataError(
                f"{self.path}: no column {', '.join(map(repr, absent))}; "
                f"the file has {', '.join(map(repr, self.columns))}; name the right one with --text or --label"
            )

    def mapped(self, columns: tuple[str, ...], rows_of: Callable[[Row], Iterable[Row]]) -> TableStream:
        """Return the table of `columns` whose rows `rows_of` makes of each row of this one."""
        return TableStream(self.path, columns, _Anew(lambda: (made for row in self.rows for made in rows_of(row))))


@dataclass(frozen=True)
class Table(TableStream):
    """A file read whole."""

    rows: Sequence[Row]


class _Anew(Iterable[Row]):
    """Rows that are made again each time one goes through them."""

    def __init__(self, start: Callable[[], Iterator[Row]]) -> None:
        self._start = start

    def __iter__(self) -> Iterator[Row]:
        return self._start()


def is_missing(cell: str) -> bool:
    """Tell whether a cell is empty or one of the marks tools write for a missing value (NaN, None, null …)."""
    return cell.strip().lower() in _MISSING


@dataclass(frozen=True)
class _Records:
    """Records of a file that is read anew each time: `read` begins to give (place, a cell for each column)."""

    columns: tuple[str, ...]
    read: Callable[[], Iterator[tuple[int, list[str]]]]
    before: str
    """What stands before the place of a record in its origin."""
    behind: str = ""

    def rows(self) -> Iterator[Row]:
        """Give the records as rows."""
        for place, cells in self.read():
            yield Row(dict(zip(self.columns, cells, strict=True)), f"{self.before}{place}{self.behind}")


def read_table(path: Path, *, columns: tuple[str, ...] | None = None, skip_broken: bool = False) -> Table:
    """Read a whole table; the ending of the name chooses the format.

    `.csv` (RFC 4180), `.tsv` and `.txt` (tab-separated, quotes are ordinary characters as in the GLUE files),
    `.jsonl` (an object a line) and `.json` (a list of objects), all in UTF-8 with or without a byte-order mark or in
    CP949; `.xlsx` (the first sheet of a workbook) and `.parquet`.

    Args:
        path: the file.
        columns: names of the columns of a delimited file that has no header.
        skip_broken: leave out the records of a delimited file that have too many or too few cells, and say how many.

    Raises:
        DataError: the file is missing, empty, in another encoding or format, or a record is broken.
        DependencyError: a package for the format is not installed.
    """
    rows = _opened(path, columns, skip_broken)
    if isinstance(rows, _Records):
        records, rows = rows, Rows(rows.columns, rows.before, rows.behind)
        for place, cells in records.read():
            rows.add(place, cells)
    return Table(path, rows.columns, _not_empty(rows, path, rows.columns))


def open_table(path: Path, *, columns: tuple[str, ...] | None = None, skip_broken: bool = False) -> TableStream:
    """Open a table whose rows are read when they are asked for; arguments and formats as in `read_table`.

    `.json` and `.xlsx` are read whole all the same. JSON Lines are gone through once for their columns.

    Raises:
        DataError: the file is missing, empty, in another encoding or format, or its first record is broken. Rows raise
            it when the turn of a broken record comes.
        DependencyError: a package for the format is not installed.
    """
    found = _opened(path, columns, skip_broken)
    if isinstance(found, Rows):
        return Table(path, found.columns, _not_empty(found, path, found.columns))
    return TableStream(path, found.columns, _not_empty(_Anew(found.rows), path, found.columns))


def _opened(path: Path, columns: tuple[str, ...] | None, skip_broken: bool) -> _Records | Rows:
    readers: dict[str, Callable[[Path], _Records | Rows]] = {
        **dict.fromkeys(_DIALECTS, lambda path: _delimited(path, columns, skip_broken)),
        ".jsonl": _json_lines,
        ".json": _json_list,
        ".xlsx": _sheet,
        ".parquet": _parquet,
    }
    opener = readers.get(path.suffix.lower())
    if opener is None:
        known = ", ".join(sorted(readers))
        raise DataError(f"{path}: the ending {path.suffix!r} is not known; use one of {known}")
    return opener(path)


def _not_empty(rows: AnyRows, path: Path, columns: Sequence[str]) -> AnyRows:
    if next(iter(rows), None) is None:
        raise DataError(f"{path}: the file {'has a header but no rows' if columns else 'is empty'}")
    return rows


def read_columns(path: Path) -> tuple[str, ...]:
    """Return the columns of a table in file order, of a delimited file without reading its rows.

    Raises:
        DataError: as `open_table`, for what is read.
    """
    if path.suffix.lower() not in _DIALECTS:
        return open_table(path).columns
    return _header(_records(path, find_encoding(path)), path)


def _delimited(path: Path, names: tuple[str, ...] | None, skip_broken: bool) -> _Records:
    encoding = find_encoding(path)
    columns = names or _header(_records(path, encoding), path)

    def read() -> Iterator[tuple[int, list[str]]]:
        broken = 0
        for line, record in islice(_records(path, encoding), 0 if names else 1, None):
            if len(record) == len(columns):
                yield line, record
            elif skip_broken:
                broken += 1
            else:
                raise DataError(
                    f"{path}:{line}: {len(record)} cells where the header has {len(columns)}; "
                    "check for an unquoted separator or a missing cell"
                )
        if broken:
            _announce_broken(path, broken)

    return _Records(columns, read, f"{path}:")


@functools.lru_cache(maxsize=64)
def _announce_broken(path: Path, broken: int) -> None:
    """Say how many records are left out, once a file."""
    logger.warning("%s: %d broken records are left out", path, broken)


def _sheet(path: Path) -> Rows:
    """Read a sheet's rows; empty cells at the end of one are not stored in the file."""
    records = read_sheet(path)
    columns = _header(records, path)
    if "" in columns:
        raise DataError(f"{path}:1: column {columns.index('') + 1} has no name in the header")
    rows = Rows(columns, f"{path}:")
    for number, cells in records:
        if len(cells) > len(columns):
            raise DataError(f"{path}:{number}: {len(cells)} cells where the header has {len(columns)}")
        rows.add(number, [*cells, *[""] * (len(columns) - len(cells))])
    return rows


def _header(records: Iterator[tuple[int, list[str]]], path: Path) -> tuple[str, ...]:
    _, header = next(records, (1, []))
    columns = tuple(name.strip() for name in header)
    if not any(columns):
        raise DataError(f"{path}: the file is empty or its header is")
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise DataError(f"{path}:1: column {twice[0]!r} occurs twice in the header")
    return columns


def _records(path: Path, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line the record starts on, cells) of a delimited file, leaving out blank lines."""
    delimiter, quoting = _DIALECTS[path.suffix.lower()]
    csv.field_size_limit(2**31 - 1)  # the standard limit refuses a text of more than 131,072 characters
    with open_text(path, encoding=encoding) as stream:
        # A NUL is no separator and no text; older csv modules stop at it, so it is read as a space.
        lines = (line.replace("\0", " ") for line in stream)
        reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)  # type: ignore[arg-type]
        start = 1
        try:
            for record in reader:
                if record:
                    yield start, record
                start = reader.line_num + 1
        except csv.Error as error:
            raise DataError(f"{path}:{start}: broken record ({error}); check the quotes") from None


def _json_lines(path: Path) -> _Records:
    encoding = find_encoding(path)

    def objects() -> Iterator[tuple[int, dict[str, Any]]]:
        with open_text(path, encoding=encoding, newline="\n") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    origin = f"{path}:{number}"
                    yield number, _object(_parse_json(line, origin), origin)

    columns = tuple(dict.fromkeys(name for _, record in objects() for name in record))

    def read() -> Iterator[tuple[int, list[str]]]:
        return ((number, [_cell(record.get(name)) for name in columns]) for number, record in objects())

    return _Records(columns, read, f"{path}:")


def _parquet(path: Path) -> _Records:
    columns = record_columns(path)

    def read() -> Iterator[tuple[int, list[str]]]:
        return ((index, list(map(_cell, record.values()))) for index, record in enumerate(read_records(path)))

    return _Records(columns, read, f"{path}[", "]")


def _json_list(path: Path) -> Rows:
    text = read_text(path)
    records = _parse_json(text, str(path)) if text.strip() else []
    if not isinstance(records, list):
        raise DataError(f"{path}: a list of objects was expected, found {type(records).__name__}")
    rows = Rows((), f"{path}[", "]")
    for index, record in enumerate(records):
        cells = _object(record, f"{path}[{index}]")
        rows.add_record(index, {name: _cell(value) for name, value in cells.items()})
    return rows


def _parse_json(text: str, origin: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{origin}: not valid JSON ({error})") from None


def _object(record: Any, origin: str) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise DataError(f"{origin}: an object was expected, found {type(record).__name__}")
    return record


def _cell(value: Any) -> str:
    if value is None or value != value:  # NaN differs from itself
        return ""
    if isinstance(value, list):
        return "|".join(map(_cell, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
