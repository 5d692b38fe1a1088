"""`classify`: any table with one label a row."""

from __future__ import annotations

from pathlib import Path

from korscideberta.data.examples import Columns, Example
from korscideberta.data.readers import read_table
from korscideberta.metrics import summary
from korscideberta.tasks.task import Task, examples_from, register, single_label


def read_classify(path: Path, columns: Columns | None, split: str | None, labelled: bool) -> list[Example]:
    """Read a table whose columns the user names; without names they are `text` and `label`."""
    return examples_from(
        read_table(path), columns or Columns(text=("text",), label="label"), split, labelled, single_label
    )


CLASSIFY = register(
    Task(
        name="classify",
        summary="your own table: text columns and one label a row",
        layout="any columns, chosen with --text title,abstract --label field",
        labels=None,
        metric="accuracy",
        score=summary.single_label,
        read=read_classify,
        takes_columns=True,
        max_length=256,
    )
)
