"""Tables from CSV, TSV, JSON, JSON Lines, Excel and Parquet files; every fault is reported with its file and line."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from korscideberta.data.parquet import read_records
from korscideberta.data.spreadsheets import read_sheet
from korscideberta.errors import DataError

logger = logging.getLogger(__name__)

_DIALECTS = {
    ".csv": (",", csv.QUOTE_MINIMAL),
    ".tsv": ("\t", csv.QUOTE_NONE),
    ".txt": ("\t", csv.QUOTE_NONE),
}
"""Separator and quoting of the delimited files, by the ending of their names."""
_SHEET = ".xlsx"
_PARQUET = ".parquet"
_MISSING = {"", "nan", "none", "null", "n/a", "<na>"}


@dataclass(frozen=True)
class Row:
    """One record: its cells by column name and the line of the file on which it starts."""

    cells: dict[str, str]
    origin: str


@dataclass(frozen=True)
class Table:
    """A file read whole. `columns` are in file order."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def require(self, names: tuple[str, ...]) -> None:
        """Refuse the table, naming its columns, unless it has all of `names`."""
        absent = [name for name in names if name not in self.columns]
        if absent:
            raise DataError(
                f"{self.path}: no column {', '.join(map(repr, absent))}; "
                f"the file has {', '.join(map(repr, self.columns))}; name the right one with --text or --label"
            )


def is_missing(cell: str) -> bool:
    """Tell whether a cell is empty or one of the marks tools write for a missing value (NaN, None, null …)."""
    return cell.strip().lower() in _MISSING


def read_table(path: Path, *, columns: tuple[str, ...] | None = None, skip_broken: bool = False) -> Table:
    """Read a table; the ending of the name chooses the format.

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

    def delimited(text: str, path: Path) -> tuple[tuple[str, ...], list[Row]]:
        return _delimited(text, path, columns, skip_broken)

    readers: dict[str, Callable[[str, Path], tuple[tuple[str, ...], list[Row]]]] = {
        **dict.fromkeys(_DIALECTS, delimited),
        ".jsonl": _json_lines,
        ".json": _json_list,
    }
    suffix = path.suffix.lower()
    if suffix == _SHEET:
        found, rows = _sheet(path)
    elif suffix == _PARQUET:
        found, records = read_records(path)
        rows = _json_rows([(f"{path}[{index}]", record) for index, record in enumerate(records)])[1]
    elif suffix in readers:
        text = read_text(path)
        if not text.strip():
            raise DataError(f"{path}: the file is empty")
        found, rows = readers[suffix](text, path)
    else:
        known = ", ".join(sorted([*readers, _SHEET, _PARQUET]))
        raise DataError(f"{path}: the ending {path.suffix!r} is not known; use one of {known}")
    if not rows:
        raise DataError(f"{path}: the file has a header but no rows")
    return Table(path, found, tuple(rows))


def read_columns(path: Path) -> tuple[str, ...]:
    """Return the columns of a table in file order, of a delimited file without reading its rows.

    Raises:
        DataError: as `read_table`, for what is read.
    """
    dialect = _DIALECTS.get(path.suffix.lower())
    text = "" if dialect is None else read_text(path)
    return _header(_records(text, path, *dialect), path) if dialect and text.strip() else read_table(path).columns


def read_text(path: Path) -> str:
    """Read a whole text file as UTF-8 (byte-order mark dropped) or, failing that, as CP949, which is announced.

    Raises:
        DataError: the file cannot be opened or is in neither encoding.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
    try:
        text = raw.decode("cp949")
    except UnicodeDecodeError:
        raise DataError(
            f"{path}:{line}: neither UTF-8 nor CP949 text; save the file as UTF-8 (in Excel: 'CSV UTF-8')"
        ) from None
    logger.warning("%s: not UTF-8; read as CP949 (EUC-KR)", path)
    return text


def _delimited(
    text: str, path: Path, names: tuple[str, ...] | None, skip_broken: bool
) -> tuple[tuple[str, ...], list[Row]]:
    records = _records(text, path, *_DIALECTS[path.suffix.lower()])
    columns = names or _header(records, path)
    rows = []
    broken = 0
    for line, record in records:
        if len(record) != len(columns):
            if skip_broken:
                broken += 1
                continue
            raise DataError(
                f"{path}:{line}: {len(record)} cells where the header has {len(columns)}; "
                "check for an unquoted separator or a missing cell"
            )
        rows.append(Row(dict(zip(columns, record, strict=True)), f"{path}:{line}"))
    if broken:
        logger.warning("%s: %d broken records are left out", path, broken)
    return columns, rows


def _sheet(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    """Read a sheet's rows; empty cells at the end of one are not stored in the file."""
    records = read_sheet(path)
    columns = _header(records, path)
    if "" in columns:
        raise DataError(f"{path}:1: column {columns.index('') + 1} has no name in the header")
    rows = []
    for number, cells in records:
        if len(cells) > len(columns):
            raise DataError(f"{path}:{number}: {len(cells)} cells where the header has {len(columns)}")
        padded = [*cells, *[""] * (len(columns) - len(cells))]
        rows.append(Row(dict(zip(columns, padded, strict=True)), f"{path}:{number}"))
    return columns, rows


def _header(records: Iterator[tuple[int, list[str]]], path: Path) -> tuple[str, ...]:
    _, header = next(records, (1, []))
    if not header:
        raise DataError(f"{path}: the file is empty")
    columns = tuple(name.strip() for name in header)
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise DataError(f"{path}:1: column {twice[0]!r} occurs twice in the header")
    return columns


def _records(text: str, path: Path, delimiter: str, quoting: int) -> Iterator[tuple[int, list[str]]]:
    """Yield (line the record starts on, cells), leaving out blank lines."""
    csv.field_size_limit(2**31 - 1)  # the standard limit refuses a text of more than 131,072 characters
    # A NUL is no separator and no text; older csv modules stop at it, so it is read as a space.
    lines = io.StringIO(text.replace("\0", " "), newline="")
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)  # type: ignore[arg-type]
    start = 1
    try:
        for record in reader:
            if record:
                yield start, record
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path}:{start}: broken record ({error}); check the quotes") from None


def _json_lines(text: str, path: Path) -> tuple[tuple[str, ...], list[Row]]:
    numbered = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    return _json_rows([(f"{path}:{number}", _parse_json(line, f"{path}:{number}")) for number, line in numbered])


def _json_list(text: str, path: Path) -> tuple[tuple[str, ...], list[Row]]:
    records = _parse_json(text, str(path))
    if not isinstance(records, list):
        raise DataError(f"{path}: a list of objects was expected, found {type(records).__name__}")
    return _json_rows([(f"{path}[{index}]", record) for index, record in enumerate(records)])


def _parse_json(text: str, origin: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{origin}: not valid JSON ({error})") from None


def _json_rows(records: list[tuple[str, Any]]) -> tuple[tuple[str, ...], list[Row]]:
    columns: dict[str, None] = {}
    for origin, record in records:
        if not isinstance(record, dict):
            raise DataError(f"{origin}: an object was expected, found {type(record).__name__}")
        columns.update(dict.fromkeys(record))
    rows = [Row({name: _cell(record.get(name)) for name in columns}, origin) for origin, record in records]
    return tuple(columns), rows


def _cell(value: Any) -> str:
    if value is None or value != value:  # NaN differs from itself
        return ""
    if isinstance(value, list):
        return "|".join(map(_cell, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
