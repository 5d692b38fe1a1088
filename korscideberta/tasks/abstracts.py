"""`abstracts`: which role a sentence plays in its abstract, such as aim, method or result.

The roles are learnt from the file. Where it says which paper a sentence belongs to, the sentences before and after it
are its context, given to the model as the second text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from korscideberta.data.examples import Columns, Example
from korscideberta.data.readers import Table, read_table
from korscideberta.errors import DataError
from korscideberta.metrics import summary
from korscideberta.tasks.tables import examples_from, single_label
from korscideberta.tasks.task import Task, register

PAPER = ("paper_id", "doc_id", "논문")
POSITION = ("position", "순서")
_SENTENCE = ("sentence", "문장")
_TAG = ("tag", "태그")


def read_abstracts(path: Path, columns: Columns | None, split: str | None, labelled: bool) -> list[Example]:
    """Read sentences; those of a paper are in the order of their positions, or of the file where there are none.

    Raises:
        DataError: a column is missing, a position is no whole number, or a paper has one twice.
    """
    table = read_table(path)
    own = Columns(text=(_name(table, _SENTENCE) or "sentence",), label=_name(table, _TAG) or "tag")
    examples = examples_from(table, columns or own, split, labelled, single_label)
    return with_neighbours(examples, table)


def with_neighbours(examples: Sequence[Example], table: Table) -> list[Example]:
    """Return the examples of a table's rows with the sentences around them as second text, where papers are named."""
    paper, position = _name(table, PAPER), _name(table, POSITION)
    if paper is None:
        return list(examples)
    found = {row.origin: (row.cells[paper], row.cells[position] if position else "") for row in table.rows}
    papers: dict[str, dict[int, int]] = {}
    for index, example in enumerate(examples):
        name, written = found[example.origin]
        places = papers.setdefault(name, {})
        place = len(places) if position is None else _place(written, example.origin)
        if place in places:
            first = examples[places[place]].origin
            raise DataError(f"{example.origin}: position {place} of paper {name!r} was already used at {first}")
        places[place] = index
    result = list(examples)
    for places in papers.values():
        order = [places[place] for place in sorted(places)]
        for number, index in enumerate(order):
            around = order[max(0, number - 1) : number] + order[number + 1 : number + 2]
            if around:
                context = " ".join(examples[neighbour].text for neighbour in around)
                result[index] = replace(examples[index], text_pair=context)
    return result


def _name(table: Table, names: Sequence[str]) -> str | None:
    return next((name for name in names if name in table.columns), None)


def _place(cell: str, origin: str) -> int:
    try:
        return int(cell)
    except ValueError:
        raise DataError(f"{origin}: the position is {cell!r}; give a whole number") from None


ABSTRACTS = register(
    Task(
        name="abstracts",
        summary="roles of sentences in abstracts, with their neighbours as context",
        layout="sentence, tag and, for context, paper_id and position",
        labels=None,
        metric="accuracy",
        score=summary.single_label,
        read=read_abstracts,
        takes_columns=True,
        max_length=128,
    )
)
