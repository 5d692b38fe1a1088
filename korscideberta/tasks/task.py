"""The Task type and the registry of tasks by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from korscideberta.data.examples import Columns
from korscideberta.data.readers import Row, TableStream
from korscideberta.errors import ConfigError
from korscideberta.metrics.levels import Level, upper_levels
from korscideberta.nearest import nearest
from korscideberta.tasks.official import Form
from korscideberta.tasks.taxonomy import LEVELS, Taxonomy

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
    find_columns: Callable[[TableStream], Columns] | None = None
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

    @property
    def sorts(self) -> bool:
        """Whether whole documents are sorted into labels of which each is given a ranking."""
        return self.head in ("sequence", "levels")

    def levels_above(self, labels: Sequence[str]) -> tuple[Level, ...]:
        """Return the levels above the lowest labels, the highest first; none where labels of one level are learnt."""
        return upper_levels(labels, self.path, LEVELS) if self.head == "levels" and self.path else ()


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
