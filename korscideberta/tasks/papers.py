"""`papers`: the research fields of a paper, one to three of the 33 large fields."""

from __future__ import annotations

from pathlib import Path

from korscideberta.data.examples import Columns, Example
from korscideberta.data.headers import guess_columns
from korscideberta.data.readers import Row, Table, is_missing, read_table
from korscideberta.errors import DataError
from korscideberta.metrics import summary
from korscideberta.nearest import nearest
from korscideberta.tasks.task import Task, examples_from, register
from korscideberta.tasks.taxonomy import LARGE_FIELDS

MOST_FIELDS = 3
COLUMNS = Columns(text=("title", "abstract"), label="fields", id="id")
SAMPLE_PAPERS = Path(__file__).parent.parent / "data" / "samples" / "papers.csv"

_CODE_OF = {name: code for code, name in LARGE_FIELDS.items()}


def read_papers(path: Path, columns: Columns | None, split: str | None, labelled: bool) -> list[Example]:
    """Read papers; `fields` holds one to three field codes or Korean names joined with `|`, the primary one first."""
    table = read_table(path)
    return examples_from(table, columns or papers_columns(table), split, labelled, _fields)


def papers_columns(table: Table) -> Columns:
    """Return `title`, `abstract`, `fields` and `id`, or what the headers tell where there are no such texts."""
    known = all(name in table.columns for name in COLUMNS.text)
    return COLUMNS if known else guess_columns(table, several_labels=True)


def display_field(code: str) -> str:
    """Return code and Korean name, `EE 정보/통신`."""
    return f"{code} {LARGE_FIELDS[code]}"


def _fields(row: Row, cell: str) -> tuple[str, ...]:
    if is_missing(cell):
        raise DataError(f"{row.origin}: the field is empty; give one to three codes such as 'EE|EC'")
    fields = tuple(_code(row, part.strip()) for part in cell.split("|"))
    if len(fields) > MOST_FIELDS:
        raise DataError(f"{row.origin}: {len(fields)} fields in {cell!r}; at most {MOST_FIELDS} are allowed")
    if len(set(fields)) != len(fields):
        raise DataError(f"{row.origin}: a field occurs twice in {cell!r}")
    return fields


def _code(row: Row, part: str) -> str:
    code = _CODE_OF.get(part, part)
    if code not in LARGE_FIELDS:
        raise DataError(f"{row.origin}: unknown field {part!r}; {nearest(part, [*LARGE_FIELDS, *_CODE_OF])}")
    return code


PAPERS = register(
    Task(
        name="papers",
        summary="research fields of papers: 33 large fields, up to three a paper",
        layout="id, title, abstract, fields (codes joined with |), split (train, dev or test; optional); "
        "or 논문제목, 초록, 대분류1, 대분류2 …",
        labels=tuple(LARGE_FIELDS),
        metric="f1_micro",
        score=summary.several_labels,
        read=read_papers,
        find_columns=papers_columns,
        max_length=512,
        sample=SAMPLE_PAPERS,
        display=display_field,
    )
)
