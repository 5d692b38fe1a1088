"""The Task type and the registry of tasks by name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from korscideberta.data.examples import SPLITS, Columns, Example
from korscideberta.data.readers import Row, Table, is_missing
from korscideberta.errors import ConfigError, DataError
from korscideberta.nearest import nearest
from korscideberta.tasks.official import Form
from korscideberta.tasks.taxonomy import BELOW, Taxonomy

logger = logging.getLogger(__name__)

Parse = Callable[[Row, str], "tuple[str, ...] | float | None"]
"""Gives the gold labels of a row, or its gold value, from the label cell; None leaves the row out, as nobody knows
them. Raises DataError with the row's origin."""

Reader = Callable[[Path, "Columns | None", "str | None", bool], list[Any]]


@dataclass(frozen=True, kw_only=True)
class Task:
    """What there is to learn, in which files it stands and how it is judged.

    `labels` None means that the labels are learnt from the training file, or that the head has none.
    `read(path, columns, split, labelled)` returns the examples of a file, of the type that the kind of head takes;
    `columns` None stands for the task's own columns, and rows of another split are left out where the file has a
    `split` column. `metric` is the figure that selects the best checkpoint.
    """

    name: str
    summary: str
    layout: str
    """The columns a file must have, for people."""
    labels: tuple[str, ...] | None
    metric: str
    score: Callable[..., dict[str, float]]
    """Gives the figures, `metric` among them, of predictions and gold answers as the kind of head has them: a
    `metrics.summary.Score` for sequence, (probabilities (N, C), gold (N, C)) for multi-label, (values, gold values) for
    regression, (texts, predicted entities of each, entity types) for token."""
    read: Reader
    find_columns: Callable[[Table], Columns] | None = None
    """Which columns of a table are read when `columns` is None; None where files are no plain tables."""
    by_example: Callable[[Sequence[Any], Sequence[str]], dict[str, float]] | None = None
    """Gives further figures, such as those of parts of the data, of (examples, predicted labels); of sequence alone."""
    head: str = "sequence"
    """The kind of head, a name in `training.kinds.KINDS`."""
    tables: bool = True
    """Whether its files are tables, in which a `split` column counts."""
    takes_columns: bool = False
    """Whether --text and --label choose the columns."""
    pair: bool = False
    """Whether an example is a pair of texts."""
    max_length: int = 128
    """Default limit in tokens."""
    official: Mapping[str, Form] = field(default_factory=dict)
    """How the task's leaderboards take predictions, by the ending of the file."""
    file: Path | None = None
    """The user's own file that registered it."""
    sample: Path | None = None
    """A file shipped with the package that is used when no training file is given."""
    display: Callable[[str], str] = str
    """Turns a label into what people should read."""
    at_level: Callable[[str, Taxonomy | None], Task] | None = None
    """Gives the task with the labels of a level of a taxonomy, None being its own; None where labels have no levels."""
    path: Callable[[str], tuple[str, ...]] | None = None
    """Gives the labels above a label, and last itself, where labels have levels."""
    variant: Mapping[str, Any] = field(default_factory=dict)
    """How it differs from the task that is registered under its name; see `variants`."""


_TASKS: dict[str, Task] = {}


def register(task: Task) -> Task:
    """Make a task known under its name.

    Raises:
        ConfigError: another task has that name.
    """
    if task.name in _TASKS:
        raise ConfigError(f"task {task.name!r} is registered twice")
    _TASKS[task.name] = task
    return task


def unregister(name: str) -> None:
    """Forget a task."""
    del _TASKS[name]


def names() -> tuple[str, ...]:
    """Return the names of all tasks, sorted."""
    return tuple(sorted(_TASKS))


def get(name: str) -> Task:
    """Return the task of that name.

    Raises:
        ConfigError: no such task; the nearest name is suggested.
    """
    if name not in _TASKS:
        raise ConfigError(f"unknown task {name!r}; {nearest(name, names())}")
    return _TASKS[name]


def multi_label(task: Task) -> Task:
    """Return the variant of a task in which a row may have any number of labels.

    Raises:
        ConfigError: there is none.
    """
    if task.head != "multi-label":
        if f"{task.name}-multi-label" not in _TASKS:
            raise ConfigError(f"--multi-label: {task.name} has one label a row; 'korsci tasks' tells what others have")
        return _TASKS[f"{task.name}-multi-label"]
    return task


def examples_from(
    table: Table,
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
    table.require((*columns.text, *filter(None, (columns.text_pair, identities)), *chain(*label_columns)))
    examples = []
    seen: dict[str, str] = {}
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    number = without_text = 0
    for number, row in enumerate(rows_of_split(table, split), start=1):
        identity = row.cells[identities] if identities else str(number)
        if identities:
            if identity in seen:
                raise DataError(f"{row.origin}: id {identity!r} was already used at {seen[identity]}")
            seen[identity] = row.origin
        gold = parse(row, _label_cell(row, label_columns)) if label_columns else ()
        if gold is None:
            continue
        if isinstance(gold, tuple):
            gold = shared.setdefault(gold, gold)
        text = _joined(row, columns.text, empty_texts)
        text_pair = _joined(row, (columns.text_pair,), empty_texts) if columns.text_pair else None
        without_text += not text.strip() or (text_pair is not None and not text_pair.strip())
        examples.append(
            Example(
                id=identity,
                text=text,
                text_pair=text_pair,
                labels=gold if isinstance(gold, tuple) else (),
                value=None if isinstance(gold, tuple) else gold,
                part=row.cells[part] if part else None,
                origin=row.origin,
            )
        )
    if not examples:
        raise DataError(f"{table.path}: no row has a gold label; 'korsci predict' reads such a file")
    if len(examples) < number:
        logger.info("%s: %d rows without a gold label are left out", table.path, number - len(examples))
    if without_text:
        logger.warning("%s: %d rows have an empty text", table.path, without_text)
    return examples


def single_label(row: Row, cell: str) -> tuple[str, ...]:
    """Take the whole label cell as the one gold label; an empty one is an error."""
    if is_missing(cell):
        raise DataError(f"{row.origin}: the label is empty; fill it or remove the row")
    return (cell.strip(),)


def rows_of_split(table: Table, split: str | None) -> Iterator[Row]:
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


def _levels(name: str, table: Table) -> tuple[str, ...]:
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
