"""Tasks for a table of one's own: columns are named on the command line."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from korscideberta.data.examples import Columns, Example
from korscideberta.data.readers import Row, is_missing, read_table
from korscideberta.errors import DataError
from korscideberta.metrics import summary
from korscideberta.metrics.multi_label import multi_label
from korscideberta.metrics.regression import correlations
from korscideberta.tasks.task import Parse, Reader, Task, examples_from, register, single_label

SINGLE = Columns(text=("text",), label="label")
PAIR = Columns(text=("text",), text_pair="text_pair", label="label")


def reader_of(own: Columns, parse: Parse) -> Reader:
    """Return a reader of tables whose columns the user names; without names they are `own`."""

    def read(path: Path, columns: Columns | None, split: str | None, labelled: bool) -> list[Example]:
        return examples_from(read_table(path), columns or own, split, labelled, parse)

    return read


def number(row: Row, cell: str) -> float:
    """Take the label cell as a number."""
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{row.origin}: the value is {cell!r}; give a number")
    return value


def labels_with_bars(row: Row, cell: str) -> tuple[str, ...]:
    """Take the label cell as labels joined with `|`; an empty one is none."""
    labels = () if is_missing(cell) else tuple(part.strip() for part in cell.split("|"))
    if "" in labels or len(set(labels)) < len(labels):
        raise DataError(f"{row.origin}: a label is empty or occurs twice in {cell!r}; join different labels with |")
    return labels


CLASSIFY = register(
    Task(
        name="classify",
        summary="your own table: text columns and one label a row, or several with --multi-label",
        layout="any columns, chosen with --text title,abstract --label field",
        labels=None,
        metric="accuracy",
        score=summary.single_label,
        read=reader_of(SINGLE, single_label),
        takes_columns=True,
        max_length=256,
    )
)

register(
    replace(
        CLASSIFY,
        name="classify-multi-label",
        summary="your own table: text columns and any number of labels a row, joined with |",
        head="multi-label",
        metric="f1_micro",
        score=multi_label,
        read=reader_of(SINGLE, labels_with_bars),
    )
)

register(
    replace(
        CLASSIFY,
        name="pair",
        summary="your own table of pairs: two texts and one label a row",
        layout="any columns, chosen with --text first --text-pair second --label field",
        read=reader_of(PAIR, single_label),
        pair=True,
    )
)

register(
    replace(
        CLASSIFY,
        name="regress",
        summary="your own table: text columns, or two texts, and a number a row",
        layout="any columns, chosen with --text title,abstract --label value, for pairs also --text-pair",
        head="regression",
        metric="pearson",
        score=correlations,
        read=reader_of(SINGLE, number),
    )
)
