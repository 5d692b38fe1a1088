"""Rows of a table, held a column at a time: most of what a row of its own would take is no text."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from korscideberta.data.on_demand import OnDemand

_REPEATED = 64
"""Characters of a cell that may well occur again, such as a label."""
_KNOWN = 10_000
"""Different cells that are looked for."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its cells by column name and the line of the file on which it starts."""

    cells: dict[str, str]
    origin: str


class Rows(OnDemand[Row]):
    """Rows that are added one by one and made when they are asked for; equal short cells are held once.

    Args:
        columns: names of the columns known so far.
        before: what stands before the place of a row in its origin, such as `a.csv:`.
        behind: what stands behind it.
    """

    def __init__(self, columns: Sequence[str], before: str, behind: str = "") -> None:
        self._cells: dict[str, list[str]] = {name: [] for name in columns}
        self._places = array("q")
        self._before, self._behind = before, behind
        self._known: dict[str, str] = {}

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in the order in which they were first seen."""
        return tuple(self._cells)

    def add(self, place: int, cells: Sequence[str]) -> None:
        """Add a row that has a cell for each column."""
        for column, cell in zip(self._cells.values(), cells, strict=True):
            column.append(self._shared(cell))
        self._places.append(place)

    def add_record(self, place: int, record: Mapping[str, str]) -> None:
        """Add a row by column names, which may be new; a column that it lacks is empty."""
        for name in record:
            if name not in self._cells:
                self._cells[name] = [""] * len(self)
        self.add(place, [record.get(name, "") for name in self._cells])

    def __len__(self) -> int:
        return len(self._places)

    def item(self, index: int) -> Row:
        """The row with that number."""
        place = self._places[index]
        cells = {name: column[index] for name, column in self._cells.items()}
        return Row(cells, f"{self._before}{place}{self._behind}")

    def _shared(self, cell: str) -> str:
        if len(cell) > _REPEATED:
            return cell
        known = self._known.get(cell)
        if known is None:
            if len(self._known) < _KNOWN:
                self._known[cell] = cell
            return cell
        return known
