"""What the files of a finished run say: figures, also as functions of the documents' weights, and groups."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from korscideberta.errors import ConfigError, ModelError
from korscideberta.metrics.hierarchy import hierarchy_parts
from korscideberta.metrics.parts import Part
from korscideberta.metrics.summary import PARTS
from korscideberta.predictions import Predictions, level_parts
from korscideberta.tasks import Task

SPLITS_BY_WORTH = ("oof", "test", "dev")
"""Which predictions of a run are looked at unless another split is named: the first it has."""


@dataclass(frozen=True)
class Figure:
    """One figure of a split."""

    value: float
    majority: float | None
    """The same figure of always naming the most frequent labels; None where there is no such baseline."""
    interval: tuple[float, float] | None
    """95 % of resampled test sets give a figure in here; None where the predictions kept do not decide it."""


def parts_of(task: Task, predictions: Predictions, labels: Sequence[str], k: int) -> Mapping[str, Part]:
    """Return the figures of a task's predictions, proposing `k` of its labels, as functions of the documents' weights.

    Where labels have levels those of the upper ones are among them, as `large_f1_micro`, and the hierarchical ones, if
    enough labels were kept to tell.

    Raises:
        ConfigError: the task does not classify whole documents.
    """
    if task.score not in PARTS:
        raise ConfigError(f"the task {task.name} does not sort documents into labels; this works for those alone")
    of_level = PARTS[task.score]
    parts = of_level(predictions.outcomes(labels, k), len(labels))
    parts |= level_parts(predictions, labels, task.levels_above(labels), k, of_level)
    if task.head == "levels" and task.path and max(map(len, predictions.gold)) <= predictions.k:
        parts |= hierarchy_parts(predictions.ranked, predictions.gold, task.path)
    return parts


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
