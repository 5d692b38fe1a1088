"""Labels with few rows, read as one."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from korscideberta.data.examples import Example, label_set
from korscideberta.data.readers import Row
from korscideberta.errors import ConfigError
from korscideberta.tasks.tables import TableReader
from korscideberta.tasks.task import Reader, Task

logger = logging.getLogger(__name__)

OTHER = "other"
LABELLED = ("sequence", "multi-label")
"""Kinds of heads that sort texts into labels."""
_SHOWN = 12


def merge_rare(
    task: Task, examples: Mapping[str, Sequence[Example]], minimum: int
) -> tuple[Task, dict[str, list[Example]]]:
    """Return a task and the examples of its splits with every label that fewer than `minimum` training rows have, and
    with every label that no training row has, as `other`.

    Raises:
        ConfigError: the task's examples have no labels, or fewer than two would be left.
    """
    if task.head not in LABELLED:
        raise ConfigError(f"--merge-rare {minimum}: {task.name} does not sort texts into labels")
    counts = Counter(label for example in examples["train"] for label in example.labels)
    labels = task.labels or label_set(examples["train"])
    rare = {label: counts[label] for label in labels if counts[label] < minimum and label != OTHER}
    kept = tuple(label for label in labels if label not in rare)
    if rare:
        kept = tuple(dict.fromkeys((*kept, OTHER)))
        told = ", ".join(f"{label} ({count})" for label, count in list(rare.items())[:_SHOWN])
        logger.info(
            "--merge-rare %d: %d of %d labels are one, %r: %s%s",
            *(minimum, len(rare), len(labels), OTHER, told, " …" if len(rare) > _SHOWN else ""),
        )
    if len(kept) < 2:
        raise ConfigError(f"--merge-rare {minimum}: all of the {len(labels)} labels have fewer training rows")
    merged = with_merged(task, kept, {"merge_rare": minimum, "merged": rare})
    return merged, {split: [relabelled(example, kept) for example in rows] for split, rows in examples.items()}


def with_merged(task: Task, labels: tuple[str, ...], variant: Mapping[str, Any]) -> Task:
    """Return a task that has these labels and reads any other as `other`."""

    def display(label: str) -> str:
        return f"{OTHER} 기타" if label == OTHER else task.display(label)

    return replace(
        task, labels=labels, read=_merging(task.read, labels), display=display, variant={**task.variant, **variant}
    )


def relabelled(example: Example, labels: tuple[str, ...]) -> Example:
    """Return an example whose labels are among `labels`, where `other` stands once for all that are not.

    Without `other` among them it stays as it is.
    """
    if OTHER not in labels:
        return example
    return replace(example, labels=_merged(example.labels, labels))


def _merged(found: Sequence[str], labels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(label if label in labels else OTHER for label in found))


def _merging(read: Reader, labels: tuple[str, ...]) -> Reader:
    """Return a reader whose examples have these labels."""
    if OTHER not in labels:
        return read
    if not isinstance(read, TableReader):
        return lambda *arguments: [relabelled(example, labels) for example in read(*arguments)]
    inner = read.parse

    def parse(row: Row, cell: str) -> tuple[str, ...] | float | None:
        found = inner(row, cell)
        return _merged(found, labels) if isinstance(found, tuple) else found

    return replace(read, parse=parse)
