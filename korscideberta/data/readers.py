"""Tables from CSV, TSV, JSON, JSON Lines, Excel and Parquet files; every fault is reported with its file and line."""

from __future__ import annotations

import codecs
import csv
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from korscideberta.data.parquet import read_records
from korscideberta.data.rows import Row, Rows
from korscideberta.data.spreadsheets import read_sheet
from korscideberta.errors import DataError

logger = logging.getLogger(__name__)

_DIALECTS = {
    ".csv": (",", csv.QUOTE_MINIMAL),
    ".tsv": ("\t", csv.QUOTE_NONE),
    ".txt": ("\t", csv.QUOTE_NONE),
}
"""Separator and quoting of the delimited files, by the ending of their names."""
_MISSING = {"", "nan", "none", "null", "n/a", "<na>"}


_BLOCK = 2**16

__all__ = ["Row", "Rows", "Table", "is_missing", "open_text", "read_columns", "read_table", "read_text"]


@dataclass(frozen=True)
class Table:
    """A file read whole. `columns` are in file order."""

    path: Path
    columns: tuple[str, ...]
    rows: Sequence[Row]

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

    readers: dict[str, Callable[[Path], Rows]] = {
        **dict.fromkeys(_DIALECTS, lambda path: _delimited(path, columns, skip_broken)),
        ".jsonl": _json_lines,
        ".json": _json_list,
        ".xlsx": _sheet,
        ".parquet": lambda path: _records_of(enumerate(read_records(path)), f"{path}[", "]"),
    }
    read = readers.get(path.suffix.lower())
    if read is None:
        known = ", ".join(sorted(readers))
        raise DataError(f"{path}: the ending {path.suffix!r} is not known; use one of {known}")
    rows = read(path)
    if not rows:
        raise DataError(f"{path}: the file {'has a header but no rows' if rows.columns else 'is empty'}")
    return Table(path, rows.columns, rows)


def read_columns(path: Path) -> tuple[str, ...]:
    """Return the columns of a table in file order, of a delimited file without reading its rows.

    Raises:
        DataError: as `read_table`, for what is read.
    """
    dialect = _DIALECTS.get(path.suffix.lower())
    if dialect is None:
        return read_table(path).columns
    with open_text(path) as stream:
        return _header(_records(stream, path, *dialect), path)


def read_text(path: Path) -> str:
    """Read a whole text file; encodings and errors as in `open_text`."""
    with open_text(path) as stream:
        return stream.read()


def open_text(path: Path, *, newline: str = "") -> TextIO:
    """Open a text file as UTF-8 (byte-order mark dropped) or, failing that, as CP949, which is announced.

    Args:
        path: the file.
        newline: what ends a line; the default is any of the three usual breaks. They are left as they are.

    Raises:
        DataError: the file cannot be opened or is in neither encoding.
    """
    try:
        wrong = _first_fault(path, "utf-8-sig")
        if wrong is None:
            return path.open(encoding="utf-8-sig", newline=newline)
        if _first_fault(path, "cp949") is None:
            logger.warning("%s: not UTF-8; read as CP949 (EUC-KR)", path)
            return path.open(encoding="cp949", newline=newline)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    raise DataError(f"{path}:{wrong}: neither UTF-8 nor CP949 text; save the file as UTF-8 (in Excel: 'CSV UTF-8')")


def _first_fault(path: Path, encoding: str) -> int | None:
    """The first line of a file that is not in that encoding; None where all are."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 0
    with path.open("rb") as stream:
        while True:
            block = stream.read(_BLOCK)
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return lines + error.object.count(b"\n", 0, error.start) + 1
            if not block:
                return None
            lines += block.count(b"\n")


def _delimited(path: Path, names: tuple[str, ...] | None, skip_broken: bool) -> Rows:
    broken = 0
    with open_text(path) as stream:
        records = _records(stream, path, *_DIALECTS[path.suffix.lower()])
        columns = names or _header(records, path)
        rows = Rows(columns, f"{path}:")
        for line, record in records:
            if len(record) == len(columns):
                rows.add(line, record)
            elif skip_broken:
                broken += 1
            else:
                raise DataError(
                    f"{path}:{line}: {len(record)} cells where the header has {len(columns)}; "
                    "check for an unquoted separator or a missing cell"
                )
    if broken:
        logger.warning("%s: %d broken records are left out", path, broken)
    return rows


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


def _records(stream: TextIO, path: Path, delimiter: str, quoting: int) -> Iterator[tuple[int, list[str]]]:
    """Yield (line the record starts on, cells), leaving out blank lines."""
    csv.field_size_limit(2**31 - 1)  # the standard limit refuses a text of more than 131,072 characters
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


def _json_lines(path: Path) -> Rows:
    def records() -> Iterator[tuple[int, Any]]:
        with open_text(path, newline="\n") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield number, _parse_json(line, f"{path}:{number}")

    return _records_of(records(), f"{path}:")


def _json_list(path: Path) -> Rows:
    text = read_text(path)
    records = _parse_json(text, str(path)) if text.strip() else []
    if not isinstance(records, list):
        raise DataError(f"{path}: a list of objects was expected, found {type(records).__name__}")
    return _records_of(enumerate(records), f"{path}[", "]")


def _parse_json(text: str, origin: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{origin}: not valid JSON ({error})") from None


def _records_of(records: Iterable[tuple[int, Any]], before: str, behind: str = "") -> Rows:
    rows = Rows((), before, behind)
    for place, record in records:
        if not isinstance(record, dict):
            raise DataError(f"{before}{place}{behind}: an object was expected, found {type(record).__name__}")
        rows.add_record(place, {name: _cell(value) for name, value in record.items()})
    return rows


def _cell(value: Any) -> str:
    if value is None or value != value:  # NaN differs from itself
        return ""
    if isinstance(value, list):
        return "|".join(map(_cell, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
