"""What a report is made of, read from a run directory."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from korscideberta.errors import ConfigError, ModelError
from korscideberta.evaluation.report.predictions import Predictions, read_predictions
from korscideberta.metrics.resampling import RESAMPLES, interval, resampled_figures
from korscideberta.metrics.summary import PARTS
from korscideberta.metrics.topk import outcomes
from korscideberta.run import RunDirectory
from korscideberta.tasks import Task, get

logger = logging.getLogger(__name__)

_TOLERANCE = 1e-6
_PREFERRED = ("test", "dev")


@dataclass(frozen=True)
class Figure:
    """One figure of a split."""

    value: float
    majority: float | None
    """The same figure of always naming the most frequent labels."""
    interval: tuple[float, float] | None
    """95 % of resampled test sets give a figure in here; None where the predictions kept do not decide it."""


@dataclass(frozen=True)
class Split:
    """Figures and predictions of a split."""

    name: str
    figures: dict[str, Figure]
    k: int
    predictions: Predictions


@dataclass(frozen=True)
class ReportedRun:
    """A finished classification run."""

    name: str
    directory: RunDirectory
    record: Mapping[str, Any]
    task: Task
    journal: tuple[Mapping[str, Any], ...]
    splits: dict[str, Split]
    shown: str
    """The split that the report looks into."""

    @property
    def split(self) -> Split:
        """The split that the report looks into."""
        return self.splits[self.shown]

    def display(self, label: int) -> str:
        """What people read for a label."""
        return self.task.display(self.split.predictions.labels[label])

    def short(self, label: int) -> str:
        """The label itself where people read it as a code before its name, else what they read."""
        code, name = self.split.predictions.labels[label], self.display(label)
        return code if name.startswith(f"{code} ") else name

    @property
    def train_counts(self) -> list[int] | None:
        """How often the training set has each label."""
        counts = self.record.get("train_label_counts")
        return None if counts is None else list(counts)


def read_runs(paths: Sequence[Path], split: str | None) -> list[ReportedRun]:
    """Read run directories; one with several seeds stands for its runs.

    Raises:
        ConfigError: a run has no such split.
        ModelError: a folder holds no finished classification run.
    """
    folders = [folder for path in paths for folder in _expanded(path)]
    names = _names(folders)
    return [read_run(folder, name, split) for folder, name in zip(folders, names, strict=True)]


def read_run(path: Path, name: str, split: str | None) -> ReportedRun:
    """Read one run directory; errors as in `read_runs`."""
    directory = RunDirectory(path)
    record = directory.read_settings()
    try:
        task, labels = get(record["task"]), tuple(record["labels"])
        record["data"], record["settings"], record["model"], record["versions"], record["max_length"]
    except KeyError as error:
        raise ModelError(f"{directory.settings_file}: no {error.args[0]!r}; train again") from None
    if task.score not in PARTS:
        raise ModelError(f"{path}: a run of {task.name}; a report is made of classification runs")
    if not directory.metrics.is_file():
        raise ModelError(f"{directory.metrics}: no such file; let the training finish")
    stored = directory.read_metrics()
    shown = split or next((name for name in _PREFERRED if name in stored), next(iter(stored), ""))
    if shown not in stored:
        raise ConfigError(f"--split {shown}: {path} has figures of {', '.join(stored) or 'no split'}")
    splits = {each: _read_split(directory, each, stored[each], task, labels) for each in stored}
    return ReportedRun(name, directory, record, task, _read_journal(directory.journal), splits, shown)


def _read_split(
    directory: RunDirectory, name: str, stored: Mapping[str, float], task: Task, labels: tuple[str, ...]
) -> Split:
    path = directory.predictions(name)
    predictions = read_predictions(path, labels)
    k = int(stored.get("k", predictions.ranked.shape[1]))
    if not 1 <= k <= predictions.ranked.shape[1]:
        raise ModelError(f"{path}: names {predictions.ranked.shape[1]} labels, metrics.json says k = {k}; train again")
    parts = PARTS[task.score](outcomes(predictions.ranked, predictions.gold, k, num_labels=len(labels)), len(labels))
    parts = {figure: part for figure, part in parts.items() if figure in stored}
    for figure, part in parts.items():
        if abs(part.value() - stored[figure]) > _TOLERANCE:
            raise ModelError(
                f"{path}: {figure} of these predictions is {part.value():.4f}, metrics.json has "
                f"{stored[figure]:.4f}; train again"
            )
    groups: NDArray[np.int64] = np.arange(len(predictions.ids))
    drawn = resampled_figures(parts, groups, resamples=RESAMPLES)
    figures = {
        figure: Figure(value, stored.get(f"majority_{figure}"), interval(drawn[figure]) if figure in drawn else None)
        for figure, value in stored.items()
        if figure not in ("documents", "k") and not figure.startswith("majority_")
    }
    return Split(name, figures, k, predictions)


def _expanded(path: Path) -> list[Path]:
    """A folder of runs with several seeds is its runs."""
    seeds = RunDirectory(path).read_settings().get("seeds")
    return [path] if seeds is None else [path / f"seed-{seed}" for seed in seeds]


def _names(folders: Sequence[Path]) -> list[str]:
    """The shortest ends of the paths that tell the folders apart."""
    whole = [folder.resolve() for folder in folders]
    if len(set(whole)) < len(whole):
        raise ConfigError("a run is named twice; name each once")
    depth = 1
    names = [folder.name for folder in whole]
    while len(set(names)) < len(names):
        depth += 1
        names = ["/".join(folder.parts[-depth:]) for folder in whole]
    return names


def _read_journal(path: Path) -> tuple[Mapping[str, Any], ...]:
    """The records of `metrics.jsonl`, those of a run that was cut off included; none where there is no file."""
    if not path.is_file():
        return ()
    records = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            break  # a line that a kill cut short is the last one
        if isinstance(record, dict):
            records.append(record)
    return tuple(records)
