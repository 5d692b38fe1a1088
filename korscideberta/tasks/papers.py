"""`papers`: the research fields of a paper, one to three of them at one level or all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from korscideberta.data.examples import Columns
from korscideberta.data.headers import guess_columns, has_levels
from korscideberta.data.readers import Row, TableStream, is_missing
from korscideberta.errors import DataError
from korscideberta.metrics import summary
from korscideberta.tasks.tables import TableReader
from korscideberta.tasks.task import Parse, Task, register
from korscideberta.tasks.taxonomy import LARGE_FIELDS, LEVELS, STANDARD, Taxonomy

MOST_FIELDS = 3
COLUMNS = Columns(text=("title", "abstract"), label="fields", id="id")
SAMPLE_PAPERS = Path(__file__).parent.parent / "data" / "samples" / "papers.csv"


def papers_columns(table: TableStream) -> Columns:
    """Return `title`, `abstract`, `fields` and `id`, or what the headers tell where there are no such texts."""
    known = all(name in table.columns for name in COLUMNS.text)
    return COLUMNS if known else guess_columns(table, several_labels=True)


def papers_at(level: str, taxonomy: Taxonomy | None) -> Task:
    """Return the task for the fields of a level, or of all of them; of no taxonomy the files' own fields are learnt."""
    fields = taxonomy or STANDARD
    number = LEVELS.index(level) if level in LEVELS else None
    find_columns = papers_columns if number == 0 else _columns_down_to(len(LEVELS) if number is None else number + 1)
    labels = fields.leaves() if number is None else fields.level(number)
    return replace(
        PAPERS,
        labels=None if number != 0 and taxonomy is None else labels,
        read=TableReader(find_columns, _parser(fields, number), paths=True),
        find_columns=find_columns,
        head="sequence" if number is not None else "levels",
        display=fields.display,
        path=fields.path,
    )


def _columns_down_to(levels: int) -> Callable[[TableStream], Columns]:
    """Return what tells the columns of a table, those of the levels of a field if it has such."""

    def find(table: TableStream) -> Columns:
        own = all(name in table.columns for name in COLUMNS.text) and not has_levels(table)
        return COLUMNS if own else guess_columns(table, several_labels=True, levels=levels)

    return find


def _parser(taxonomy: Taxonomy, number: int | None) -> Parse:
    """Return a parser of cells with codes or names joined with `|`, the primary one first.

    It gives fields of a level, or with None the lowest ones.
    """

    def parse(row: Row, cell: str) -> tuple[str, ...]:
        if is_missing(cell):
            raise DataError(f"{row.origin}: the field is empty; give one to three codes such as 'EE|EC'")
        try:
            named = [
                taxonomy.find(part, number=len(LEVELS) - 1 if number is None else number) for part in cell.split("|")
            ]
            fields = [_at(taxonomy, code, number) for code in named]
        except LookupError as error:
            raise DataError(f"{row.origin}: {error.args[0]}") from None
        if len(named) > MOST_FIELDS:
            raise DataError(f"{row.origin}: {len(named)} fields in {cell!r}; at most {MOST_FIELDS} are allowed")
        if len(set(named)) != len(named):
            raise DataError(f"{row.origin}: a field occurs twice in {cell!r}")
        return tuple(dict.fromkeys(fields))

    return parse


def _at(taxonomy: Taxonomy, code: str, number: int | None) -> str:
    if number is not None:
        return taxonomy.at_level(code, number)
    if not taxonomy.open and not taxonomy.is_leaf(code):
        raise LookupError(f"{taxonomy.display(code)} has fields below it; one of them is needed")
    return code


PAPERS = register(
    Task(
        name="papers",
        summary="research fields of papers: 33 large fields, up to three a paper; --level for those below them",
        layout="id, title, abstract, fields (codes joined with |), split (train, dev or test; optional); "
        "or 논문제목, 초록, 대분류1, 대분류2 …",
        labels=tuple(LARGE_FIELDS),
        metric="f1_micro",
        score=summary.several_labels,
        read=TableReader(papers_columns, _parser(STANDARD, 0), paths=True),
        find_columns=papers_columns,
        max_length=512,
        sample=SAMPLE_PAPERS,
        display=STANDARD.display,
        at_level=papers_at,
    )
)
