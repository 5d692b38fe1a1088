"""Readers of tables whose columns a benchmark has fixed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from korscideberta.data.examples import Columns
from korscideberta.data.readers import Row, TableStream, open_table
from korscideberta.errors import DataError
from korscideberta.tasks.tables import TableReader
from korscideberta.tasks.task import Parse

WITHOUT_LABEL = ("", "-", "hidden")
"""What official files write where the gold label is kept back or nobody agreed on one."""


@dataclass(frozen=True)
class Layout:
    """One of the forms the files of a task have."""

    columns: Columns
    part: str | None = None
    """Column that says which part of the data a row belongs to."""


def layout(
    *text: str, pair: str | None = None, label: str = "label", id: str | None = None, part: str | None = None
) -> Layout:
    """Return a layout by its columns; `id` and `part` are used where the file has them."""
    return Layout(Columns(text=text, text_pair=pair, label=label, id=id), part)


def columns_of(layouts: Sequence[Layout]) -> Callable[[TableStream], Columns]:
    """Return what tells the columns of a table in any of the layouts, the first one that fits."""

    def find(table: TableStream) -> Columns:
        columns = _layout_of(table, layouts).columns
        return columns if columns.id in table.columns else replace(columns, id=None)

    return find


def reader(
    layouts: Sequence[Layout], parse: Parse, *, table: Callable[[Path], TableStream] = open_table
) -> TableReader:
    """Return a reader of files in any of the layouts, the first one that fits; columns that the user names win."""

    def part(found: TableStream) -> str | None:
        name = _layout_of(found, layouts).part
        return name if name in found.columns else None

    return TableReader(columns_of(layouts), parse, open=table, part=part, empty_texts=True)


def _layout_of(table: TableStream, layouts: Sequence[Layout]) -> Layout:
    own = next((one for one in layouts if set(_texts(one.columns)) <= set(table.columns)), None)
    if own is None:
        wanted = " or ".join(", ".join(map(repr, _texts(one.columns))) for one in layouts)
        raise DataError(
            f"{table.path}: no columns {wanted}; the file has {', '.join(map(repr, table.columns))}; "
            "name the right ones with --text and --label"
        )
    return own


def one_of(labels: Sequence[str], written: Mapping[str, str] | None = None) -> Parse:
    """Return a parser of cells with one of the labels, or with what files write for it; None where it is kept back."""
    names = {**{label: label for label in labels}, **(written or {})}

    def parse(row: Row, cell: str) -> tuple[str, ...] | None:
        cell = cell.strip()
        if cell in WITHOUT_LABEL:
            return None
        if cell not in names:
            raise DataError(f"{row.origin}: the label is {cell!r}; use one of {', '.join(names)}")
        return (names[cell],)

    return parse


def _texts(columns: Columns) -> tuple[str, ...]:
    return columns.text if columns.text_pair is None else (*columns.text, columns.text_pair)
