"""Cells of Excel workbooks (.xlsx), read and written as text."""

from __future__ import annotations

import datetime
import logging
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from korscideberta.errors import DataError
from korscideberta.files import replacing

logger = logging.getLogger(__name__)

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def read_sheet(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (row number, cells) of a workbook's first sheet, leaving out empty rows.

    Formulas give the value that the spreadsheet program last stored; whole numbers have no decimal point.

    Raises:
        DataError: the file is missing or no workbook.
    """
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (OSError, zipfile.BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        raise DataError(f"{path}: not a readable workbook ({error}); save it as .xlsx, without a password") from None
    try:
        if not book.worksheets:
            raise DataError(f"{path}: the workbook has no sheet")
        sheet = book.worksheets[0]
        if len(book.worksheets) > 1:
            logger.warning("%s: of its %d sheets the first, %r, is read", path, len(book.worksheets), sheet.title)
        # Some programs store a wrong size of the sheet, and rows beyond it would be left out.
        sheet.reset_dimensions()
        for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
            cells = [_text(value) for value in row]
            while cells and not cells[-1].strip():
                cells.pop()
            if cells:
                yield number, cells
    finally:
        book.close()


def write_sheet(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a workbook with one sheet: numbers as numbers, all else as text, also where it begins with `=`.

    Raises:
        DataError: the file cannot be written.
    """
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    book = Workbook(write_only=True)
    sheet = book.create_sheet("predictions")
    sheet.freeze_panes = "A2"

    def cell(value: Any, *, bold: bool = False) -> Any:
        if isinstance(value, int | float):
            return WriteOnlyCell(sheet, value)
        made = WriteOnlyCell(sheet, _NOT_IN_XML.sub("", value))
        made.data_type = "s"  # a text that begins with = would be a formula
        if bold:
            made.font = Font(bold=True)
        return made

    sheet.append([cell(name, bold=True) for name in header])
    for row in rows:
        sheet.append([cell(value) for value in row])
    with replacing(path) as temporary:
        book.save(temporary)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)
