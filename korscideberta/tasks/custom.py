"""Tasks for a table of one's own: columns are named on the command line."""

from __future__ import annotations

import math
from dataclasses import replace

from korscideberta.data.examples import Columns
from korscideberta.data.headers import guess_columns
from korscideberta.data.readers import Row, TableStream, is_missing
from korscideberta.errors import DataError
from korscideberta.metrics import summary
from korscideberta.metrics.multi_label import multi_label
from korscideberta.metrics.regression import correlations
from korscideberta.tasks.tables import TableReader, single_label
from korscideberta.tasks.task import Task, register

SINGLE = Columns(text=("text",), label="label")
PAIR = Columns(text=("text",), text_pair="text_pair", label="label")


def text_columns(table: TableStream) -> Columns:
    """Return `text` and `label`, or what the headers tell where there is no `text`."""
    return SINGLE if SINGLE.text[0] in table.columns else guess_columns(table, several_labels=False)


def pair_columns(table: TableStream) -> Columns:
    """Return `text`, `text_pair` and `label`."""
    return PAIR


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
        layout="any columns, chosen with --text title,abstract --label field or told by their headers",
        labels=None,
        metric="accuracy",
        score=summary.single_label,
        read=TableReader(text_columns, single_label),
        find_columns=text_columns,
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
        read=TableReader(text_columns, labels_with_bars),
    )
)

register(
    replace(
        CLASSIFY,
        name="pair",
        summary="your own table of pairs: two texts and one label a row",
        layout="any columns, chosen with --text first --text-pair second --label field",
        read=TableReader(pair_columns, single_label),
        find_columns=pair_columns,
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
        read=TableReader(text_columns, number),
    )
)
