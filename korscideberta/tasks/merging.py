"""Labels with few rows, read as one."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from korscideberta.data.examples import Example, label_set
from korscideberta.data.readers import Row
from korscideberta.errors import ConfigError
from korscideberta.tasks.tables import TableReader
from korscideberta.tasks.task import Reader, Task
from korscideberta.tasks.taxonomy import BELOW

logger = logging.getLogger(__name__)

OTHER = "other"
LABELLED = ("sequence", "levels", "multi-label")
"""Kinds of heads that sort texts into labels."""
_SHOWN = 12


def merge_rare(
    task: Task, examples: Mapping[str, Sequence[Example]], minimum: int
) -> tuple[Task, dict[str, list[Example]]]:
    """Return a task and the examples of its splits with every label that fewer than `minimum` training rows have, even
    none, as `other`; where all levels are labels, as one below the same field.

    Raises:
        ConfigError: the task's examples have no labels, or fewer than two would be left.
    """
    if task.head not in LABELLED:
        raise ConfigError(f"--merge-rare {minimum}: {task.name} does not sort texts into labels")
    counts = Counter(label for example in examples["train"] for label in example.labels)
    labels = task.labels or label_set(examples["train"])
    rare = {label: counts[label] for label in labels if counts[label] < minimum and label != _other_of(task, label)}
    kept = tuple(label for label in labels if label not in rare)
    if rare:
        kept = tuple(dict.fromkeys((*kept, *(_other_of(task, label) for label in rare))))
        told = ", ".join(f"{label} ({count})" for label, count in list(rare.items())[:_SHOWN])
        logger.info(
            "--merge-rare %d: %d of %d labels are read as %r: %s%s",
            *(minimum, len(rare), len(labels), OTHER, told, " …" if len(rare) > _SHOWN else ""),
        )
    if len(kept) < 2:
        raise ConfigError(f"--merge-rare {minimum}: all of the {len(labels)} labels have fewer training rows")
    merged = with_merged(task, kept, {"merge_rare": minimum, "merged": rare})
    stands_for = _stand_in(task, kept)
    return merged, {
        split: [replace(example, labels=stands_for(example.labels)) for example in rows]
        for split, rows in examples.items()
    }


def with_merged(task: Task, labels: tuple[str, ...], variant: Mapping[str, Any]) -> Task:
    """Return a task that has these labels and reads any other as `other`."""
    stands_for = _stand_in(task, labels)

    def display(label: str) -> str:
        return f"{OTHER} 기타" if label == OTHER else task.display(label)

    return replace(
        task, labels=labels, read=_merging(task.read, stands_for), display=display, variant={**task.variant, **variant}
    )


def _other_of(task: Task, label: str) -> str:
    """Return what a label is merged into: `other`, and where all levels are labels, one below the same field."""
    path = task.path(label)[:-1] if task.head == "levels" and task.path else ()
    return f"{path[-1]}{BELOW}{OTHER}" if path else OTHER


def _stand_in(task: Task, labels: Sequence[str]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """Return what replaces labels that are not among `labels` by that which they are merged into, each once.

    Where there is no such label they stay as they are, to be refused.
    """
    known = frozenset(labels)

    def replaced(found: Sequence[str]) -> tuple[str, ...]:
        others = (label if label in known else _other_of(task, label) for label in found)
        named = (other if other in known else label for label, other in zip(found, others, strict=True))
        return tuple(dict.fromkeys(named))

    return replaced


def _merging(read: Reader, stands_for: Callable[[Sequence[str]], tuple[str, ...]]) -> Reader:
    """Return a reader whose examples have the labels that stand for their own."""
    if not isinstance(read, TableReader):
        return lambda *arguments: [replace(one, labels=stands_for(one.labels)) for one in read(*arguments)]
    inner = read.parse

    def parse(row: Row, cell: str) -> tuple[str, ...] | float | None:
        found = inner(row, cell)
        return stands_for(found) if isinstance(found, tuple) else found

    return replace(read, parse=parse)
