"""Tables that a reader can sort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from korscideberta.evaluation.report.html import Child, Markup, tag


@dataclass(frozen=True)
class Cell:
    """What a cell shows, and the number it is sorted by."""

    shown: Child
    value: float | None = None


@dataclass(frozen=True)
class Head:
    """The heading of a column."""

    name: str
    numeric: bool = False
    about: str | None = None
    """Shown when the pointer rests on the heading."""
    sortable: bool = True


def table(
    heads: Sequence[Head], rows: Sequence[Sequence[Cell]], *, label: str, caption: bool = False, sortable: bool = True
) -> Markup:
    """Return a table in a box that scrolls sideways on a narrow page.

    Args:
        heads: the columns.
        rows: the cells; the first of a row is its heading.
        label: what the table is called for who cannot see what stands above it.
        caption: show the label.
        sortable: let a click on a heading sort the rows.
    """
    headings = [
        tag(
            "th",
            tag("button", head.name, type="button") if sortable and head.sortable else head.name,
            scope="col",
            class_="number" if head.numeric else None,
            title=head.about,
        )
        for head in heads
    ]
    body = [
        tag(
            "tr",
            [_cell(cell, head, first=place == 0) for place, (cell, head) in enumerate(zip(row, heads, strict=True))],
        )
        for row in rows
    ]
    content = tag(
        "table",
        tag("caption", label) if caption else None,
        tag("thead", tag("tr", headings)),
        tag("tbody", body),
        class_="sortable" if sortable else None,
    )
    return tag("div", content, class_="scroll", tabindex="0", role="group", aria_label=label)


def pairs(rows: Sequence[tuple[str, Child]]) -> Markup:
    """Return a two-column table of names and values."""
    return tag(
        "div",
        tag(
            "table",
            tag("tbody", [tag("tr", tag("th", name, scope="row"), tag("td", value)) for name, value in rows]),
            class_="pairs",
        ),
        class_="scroll",
    )


def _cell(cell: Cell, head: Head, *, first: bool) -> Markup:
    value = None if cell.value is None else f"{cell.value:.10g}"
    if first:
        return tag("th", cell.shown, scope="row", class_="number" if head.numeric else None, data_value=value)
    return tag("td", cell.shown, class_="number" if head.numeric else None, data_value=value)
