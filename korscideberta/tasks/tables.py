"""Tables as examples: all rows with their gold labels in a list, or one after another to be labelled."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from korscideberta.data.examples import SPLITS, Columns, Example
from korscideberta.data.identities import Identities, digest
from korscideberta.data.readers import Row, TableStream, is_missing, open_table
from korscideberta.errors import ConfigError, DataError
from korscideberta.tasks.task import Parse
from korscideberta.tasks.taxonomy import BELOW

logger = logging.getLogger(__name__)


def _no_part(table: TableStream) -> str | None:
    return None


@dataclass(frozen=True)
class TableReader:
    """Reads the examples of tables: a task's `read`."""

    find_columns: Callable[[TableStream], Columns]
    """Which columns are read where the user names none."""
    parse: Parse
    """Reads the label cell."""
    open: Callable[[Path], TableStream] = open_table
    """Opens a file."""
    part: Callable[[TableStream], str | None] = _no_part
    """The column that says which part of the data a row belongs to, where the user names no columns."""
    empty_texts: bool = False
    """Whether a text may be empty where the user names no columns."""
    paths: bool = False
    """Whether a label may stand in several columns, a level of it in each."""

    def __call__(self, path: Path, columns: Columns | None, split: str | None, labelled: bool) -> list[Example]:
        """Read a file; arguments and errors as of `examples_from`."""
        table = self.open(path)
        if columns is not None:
            return examples_from(table, columns, split, labelled, self.parse, paths=self.paths)
        return examples_from(
            table,
            self.find_columns(table),
            split,
            labelled,
            self.parse,
            part=self.part(table),
            empty_texts=self.empty_texts,
            paths=self.paths,
        )

    def stream(self, path: Path, columns: Columns | None) -> ExampleStream:
        """Open a file whose rows are to be labelled.

        Raises:
            DataError: the file or its first record is broken, or a column is missing.
        """
        table = self.open(path)
        return ExampleStream(table, columns or self.find_columns(table), self.empty_texts and columns is None)


class ExampleStream(Iterable[Example]):
    """Examples without gold labels, read from their table anew each time one goes through them.

    Args:
        table: the table.
        columns: where texts and ids stand; without an id column the row number is the id.
        empty_texts: whether a text may be empty.

    Raises:
        DataError: a column is missing.
    """

    def __init__(self, table: TableStream, columns: Columns, empty_texts: bool) -> None:
        # What told the training rows apart need not be there.
        self._identity = columns.id if columns.id in table.columns else None
        _require(table, columns, self._identity, ())
        self._table = table
        self._columns = columns
        self._empty_texts = empty_texts

    def __iter__(self) -> Iterator[Example]:
        for number, row in enumerate(self._table.rows, start=1):
            yield Example(
                id=row.cells[self._identity] if self._identity else str(number),
                text=_joined(row, self._columns.text, self._empty_texts),
                text_pair=_second(row, self._columns, self._empty_texts),
                origin=row.origin,
            )

    def check(self) -> int:
        """Go through all rows and return how many there are.

        Raises:
            DataError: a record is broken, a text is missing, or an id occurs twice.
        """
        count = without_text = 0
        with Identities() as identities:
            for example in self:
                count += 1
                without_text += _lacks_text(example)
                if self._identity:
                    identities.add(example.id)
            repeated = identities.repeated()
        seen: dict[str, str] = {}
        for example in self if repeated else ():
            if digest(example.id) in repeated:
                _remember(seen, example.id, example.origin)
        _report_empty(self._table, without_text)
        return count


def examples_from(
    table: TableStream,
    columns: Columns,
    split: str | None,
    labelled: bool,
    parse: Parse,
    *,
    part: str | None = None,
    empty_texts: bool = False,
    paths: bool = False,
) -> list[Example]:
    """Turn the rows of a table into examples.

    Args:
        table: the table.
        columns: where texts, labels and ids stand; without an id column the row number is the id.
        split: keep the rows whose `split` cell equals it, where the table has such a column; None keeps all.
        labelled: whether gold labels must be there (and are checked) or are not looked at.
        parse: reads the label cell.
        part: column with the part of the data that a row belongs to.
        empty_texts: whether a text may be empty, as in some official files, or is an error.
        paths: whether a label may stand in several columns joined with `>`, a level of it in each.

    Raises:
        DataError: a column or a text is missing, a split is unknown or empty, an id occurs twice, no row has a label.
    """
    named = columns.label_columns if labelled else ()
    label_columns = [_levels(name, table) if paths else (name,) for name in named]
    if len(label_columns) > 1 and parse is single_label:
        raise ConfigError(f"--label {columns.label}: this task takes one label a row; name one column")
    # A table that is only to be labelled need not have what told the training rows apart.
    identities = columns.id if labelled or columns.id in table.columns else None
    _require(table, columns, identities, chain(*label_columns))
    examples = []
    seen: dict[str, str] = {}
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    number = without_text = 0
    for number, row in enumerate(rows_of_split(table, split), start=1):
        identity = row.cells[identities] if identities else str(number)
        if identities:
            _remember(seen, identity, row.origin)
        gold = parse(row, _label_cell(row, label_columns)) if label_columns else ()
        if gold is None:
            continue
        if isinstance(gold, tuple):
            gold = shared.setdefault(gold, gold)
        example = Example(
            id=identity,
            text=_joined(row, columns.text, empty_texts),
            text_pair=_second(row, columns, empty_texts),
            labels=gold if isinstance(gold, tuple) else (),
            value=None if isinstance(gold, tuple) else gold,
            part=row.cells[part] if part else None,
            origin=row.origin,
        )
        without_text += _lacks_text(example)
        examples.append(example)
    if not examples:
        raise DataError(f"{table.path}: no row has a gold label; 'korsci predict' reads such a file")
    if len(examples) < number:
        logger.info("%s: %d rows without a gold label are left out", table.path, number - len(examples))
    _report_empty(table, without_text)
    return examples


def single_label(row: Row, cell: str) -> tuple[str, ...]:
    """Take the whole label cell as the one gold label; an empty one is an error."""
    if is_missing(cell):
        raise DataError(f"{row.origin}: the label is empty; fill it or remove the row")
    return (cell.strip(),)


def rows_of_split(table: TableStream, split: str | None) -> Iterator[Row]:
    """Yield the rows whose `split` cell is `split`, or all where it is None or there is no such column.

    Raises:
        DataError: a split is unknown, or none is the one asked for.
    """
    if split is None or "split" not in table.columns:
        yield from table.rows
        return
    empty = True
    for row in table.rows:
        if row.cells["split"] not in SPLITS:
            raise DataError(f"{row.origin}: split is {row.cells['split']!r}; use one of {', '.join(SPLITS)}")
        if row.cells["split"] == split:
            empty = False
            yield row
    if empty:
        raise DataError(f"{table.path}: no row has split {split!r}")


def _levels(name: str, table: TableStream) -> tuple[str, ...]:
    """Return the columns that hold the levels of a label, the large one first."""
    return (name,) if name in table.columns else tuple(part.strip() for part in name.split(BELOW))


def _label_cell(row: Row, labels: Sequence[tuple[str, ...]]) -> str:
    """Return the label cell; of several columns those that are filled, levels joined with `>` and labels with `|`."""
    if len(labels) == 1 and len(labels[0]) == 1:
        return row.cells[labels[0][0]]
    cells = ([row.cells[name].strip() for name in levels if not is_missing(row.cells[name])] for levels in labels)
    return "|".join(BELOW.join(filled) for filled in cells if filled)


def _joined(row: Row, names: tuple[str, ...], empty: bool) -> str:
    if empty:
        return "\n".join(row.cells[name] for name in names)
    texts = [row.cells[name] for name in names if not is_missing(row.cells[name])]
    if not texts:
        raise DataError(
            f"{row.origin}: no text in column {', '.join(map(repr, names))} "
            f"(found {row.cells[names[0]]!r}); fill it or remove the row"
        )
    return "\n".join(texts)


def _second(row: Row, columns: Columns, empty: bool) -> str | None:
    return _joined(row, (columns.text_pair,), empty) if columns.text_pair else None


def _require(table: TableStream, columns: Columns, identity: str | None, labels: Iterable[str]) -> None:
    table.require((*columns.text, *filter(None, (columns.text_pair, identity)), *labels))


def _remember(seen: dict[str, str], identity: str, origin: str) -> None:
    if identity in seen:
        raise DataError(f"{origin}: id {identity!r} was already used at {seen[identity]}")
    seen[identity] = origin


def _lacks_text(example: Example) -> bool:
    return not example.text.strip() or (example.text_pair is not None and not example.text_pair.strip())


def _report_empty(table: TableStream, count: int) -> None:
    if count:
        logger.warning("%s: %d rows have an empty text", table.path, count)
