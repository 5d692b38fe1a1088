"""Files that list fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from korscideberta.data.readers import Row, is_missing, read_table
from korscideberta.errors import DataError
from korscideberta.tasks.taxonomy import LARGE, LARGE_FIELDS, Field, Taxonomy, parent_of_code

_COLUMNS = {
    "code": ("code", "코드", "분류코드"),
    "name": ("name", "이름", "명칭", "분류명"),
    "parent": ("parent", "상위", "상위코드", "상위분류"),
    "english": ("english", "영문", "영문명"),
    "no": ("no", "번호"),
}


def read_taxonomy(path: Path) -> Taxonomy:
    """Read the fields of a table (any file that training files can be, also a JSON list of objects).

    It has the columns code, name and parent, which holds the code of the field above or, where there is a column no,
    its number there; and where it likes english. Without a parent a standard code lies under its beginning ("EE01"
    under "EE"), and any other field is a large one. The 33 large fields are there from the start, unless the file
    has large fields that are none of them.

    Raises:
        DataError: the file cannot be read, a code or name is missing, a code occurs twice, or a parent not at all.
    """
    table = read_table(path)
    named = {
        own: next((column for column in table.columns if column.strip().lower() in written), None)
        for own, written in _COLUMNS.items()
    }
    if named["code"] is None or named["name"] is None:
        raise DataError(
            f"{path}: needs the columns 'code', 'name' and 'parent', has {', '.join(map(repr, table.columns))}"
        )
    rows = [(row.origin, {own: _cell(row, column) for own, column in named.items()}) for row in table.rows]
    code_of = {
        **{cells["no"]: cells["code"] for _, cells in rows},
        **{cells["code"]: cells["code"] for _, cells in rows},
    }
    fields = [_field(origin, cells, code_of) for origin, cells in rows]
    if {field.code for field in fields if field.parent is None} <= set(LARGE_FIELDS):
        renamed = {field.code: field.name for field in fields if field.parent is None}
        large = [replace(field, name=renamed.get(field.code, field.name)) for field in LARGE]
        fields = [*large, *(field for field in fields if field.parent is not None)]
    return Taxonomy(fields, origin=str(path))


def _cell(row: Row, column: str | None) -> str:
    return "" if column is None or is_missing(row.cells[column]) else row.cells[column].strip()


def _field(origin: str, cells: Mapping[str, str], code_of: Mapping[str, str]) -> Field:
    code, name, parent = cells["code"], cells["name"], cells["parent"]
    if not code or not name:
        raise DataError(f"{origin}: the {'name' if code else 'code'} is empty; a field needs both")
    if any(mark in code for mark in "|>,"):
        raise DataError(f"{origin}: the code {code!r} holds one of | > , which stand between fields")
    return Field(
        code, name, (code_of.get(parent, parent) if parent else None) or parent_of_code(code), cells["english"]
    )
