"""What the files of a finished run say: figures as functions of the documents' weights, and groups."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from korscideberta.errors import ConfigError, ModelError
from korscideberta.metrics.parts import Part
from korscideberta.metrics.summary import PARTS
from korscideberta.metrics.topk import Outcomes
from korscideberta.tasks import Task

SPLITS_BY_WORTH = ("oof", "test", "dev")
"""Which predictions of a run are looked at unless another split is named: the first it has."""


def parts_of(task: Task, found: Outcomes, num_labels: int) -> Mapping[str, Part]:
    """Return the figures of a task as functions of the documents' weights.

    Raises:
        ConfigError: the task does not classify whole documents.
    """
    if task.score not in PARTS:
        raise ConfigError(f"the task {task.name} does not sort documents into labels; this works for those alone")
    return PARTS[task.score](found, num_labels)


def read_groups(path: Path) -> dict[str, str]:
    """Return the group of each document of a `groups.csv` (columns id, group).

    Raises:
        ModelError: the file cannot be read or lacks a column.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return {row["id"]: row["group"] for row in csv.DictReader(stream)}
    except (OSError, UnicodeDecodeError, KeyError, csv.Error) as error:
        raise ModelError(f"{path}: not a file of groups, with the columns id and group ({error!r})") from None
