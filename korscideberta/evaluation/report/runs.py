"""What a report is made of, read from a run directory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from korscideberta.errors import ConfigError, ModelError
from korscideberta.evaluation.report.counts import Counted
from korscideberta.evaluation.results import SPLITS_BY_WORTH, Figure, parts_of
from korscideberta.metrics.resampling import RESAMPLES, interval, resampled_figures
from korscideberta.metrics.summary import PARTS
from korscideberta.predictions import read_predictions
from korscideberta.run import RunDirectory
from korscideberta.tasks import Task, task_of

_TOLERANCE = 1e-6
_NOT_FIGURES = ("documents", "k", "groups")
_OF_FIGURES = ("_low", "_high", "_sd")
"""Ends of names under which what belongs to a figure is stored beside it."""

Journal = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Split:
    """Figures and predictions of a split."""

    name: str
    figures: dict[str, Figure]
    k: int
    groups: int
    """Groups of documents that were resampled together; as many as documents where each is its own."""
    predictions: Counted


@dataclass(frozen=True)
class ReportedRun:
    """A finished classification run, of one model or of one a fold, or a baseline."""

    name: str
    record: Mapping[str, Any]
    task: Task
    journals: dict[str, Journal]
    """What was recorded while models were trained, by fold; of one model under the empty name."""
    splits: dict[str, Split]
    shown: str
    """The split that the report looks into."""
    models: tuple[tuple[RunDirectory, str], ...]
    """The run directories whose predictions, of the split named beside, make up the shown split."""

    @property
    def split(self) -> Split:
        """The split that the report looks into."""
        return self.splits[self.shown]

    @property
    def folds(self) -> int | None:
        """How many folds the documents were divided into; None where they were not."""
        return self.record.get("folds")

    def display(self, label: int) -> str:
        """What people read for a label."""
        return self.task.display(self.split.predictions.labels[label])

    def short(self, label: int) -> str:
        """The label itself where people read it as a code before its name, else what they read."""
        code, name = self.split.predictions.labels[label], self.display(label)
        return code if name.startswith(f"{code} ") else name

    @property
    def train_counts(self) -> list[int] | None:
        """How often the training set has each label; None where there are several training sets."""
        counts = self.record.get("train_label_counts")
        return None if counts is None else list(counts)


def read_runs(paths: Sequence[Path], split: str | None) -> list[ReportedRun]:
    """Read run directories; one with several seeds stands for its runs.

    Raises:
        ConfigError: a run has no such split, or is named twice.
        ModelError: a folder holds no finished classification run, or its files do not belong together.
    """
    folders = [one for path in paths for one in _expanded(path)]
    names = _names([folder for folder, _ in folders])
    return [
        _read_run(RunDirectory(folder), record, name, split)
        for (folder, record), name in zip(folders, names, strict=True)
    ]


def _expanded(path: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The folder and settings of a run; those of every seed where there are several."""
    record = RunDirectory(path).read_settings()
    if "seeds" not in record:
        return [(path, record)]
    folders = [(seed, path / f"seed-{seed}") for seed in record["seeds"]]
    if "folds" in record:  # the folds of a seed are divided and set as a whole
        return [(folder, {**record, "seed": seed}) for seed, folder in folders]
    return [(folder, RunDirectory(folder).read_settings()) for _, folder in folders]


def _read_run(directory: RunDirectory, record: Mapping[str, Any], name: str, split: str | None) -> ReportedRun:
    try:
        task, labels = task_of(record), tuple(record["labels"])
        record["data"], record["versions"]
    except KeyError as error:
        raise ModelError(f"{directory.settings_file}: no {error.args[0]!r}; train again") from None
    if task.score not in PARTS:
        raise ModelError(f"{directory.path}: a run of {task.name}; a report is made of classification runs")
    if not directory.metrics.is_file():
        raise ModelError(f"{directory.metrics}: no such file; let the run finish")
    stored = directory.read_metrics()
    shown = split or next((each for each in SPLITS_BY_WORTH if each in stored), next(iter(stored), ""))
    if shown not in stored:
        raise ConfigError(f"--split {shown}: {directory.path} has figures of {', '.join(stored) or 'no split'}")
    folds = [RunDirectory(directory.path / f"fold-{number}") for number in range(1, record.get("folds", 0) + 1)]
    folds = [fold for fold in folds if fold.settings_file.is_file()]  # a baseline keeps no models
    return ReportedRun(
        name=name,
        record=record,
        task=task,
        journals={fold.path.name: _read_journal(fold.journal) for fold in folds}
        or {"": _read_journal(directory.journal)},
        splits={each: _read_split(directory, each, stored[each], task, labels) for each in stored},
        shown=shown,
        models=tuple((fold, "test") for fold in folds) or ((directory, shown),),
    )


def _read_split(
    directory: RunDirectory, name: str, stored: Mapping[str, float], task: Task, labels: tuple[str, ...]
) -> Split:
    path = directory.predictions(name)
    predictions = read_predictions(path, labels)
    k = int(stored.get("k", predictions.k))
    if not 1 <= k <= predictions.k:
        raise ModelError(f"{path}: names {predictions.k} labels, metrics.json says k = {k}; train again")
    parts = parts_of(task, predictions, labels, k)
    parts = {figure: part for figure, part in parts.items() if figure in stored}
    for figure, part in parts.items():
        if abs(part.value() - stored[figure]) > _TOLERANCE:
            raise ModelError(
                f"{path}: {figure} of these predictions is {part.value():.4f}, metrics.json has "
                f"{stored[figure]:.4f}; train again"
            )
    documents = len(predictions.ids)
    known = {
        figure: (stored[f"{figure}_low"], stored[f"{figure}_high"]) for figure in parts if f"{figure}_low" in stored
    }
    drawn = resampled_figures(
        {figure: part for figure, part in parts.items() if figure not in known},
        np.arange(documents),
        resamples=RESAMPLES,
    )
    intervals = {**{figure: interval(found) for figure, found in drawn.items()}, **known}
    figures = {
        figure: Figure(value, stored.get(f"majority_{figure}"), intervals.get(figure))
        for figure, value in stored.items()
        if figure not in _NOT_FIGURES and not figure.startswith("majority_") and not figure.endswith(_OF_FIGURES)
    }
    return Split(name, figures, k, int(stored.get("groups", documents)), Counted.of(predictions, labels))


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


def _read_journal(path: Path) -> Journal:
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
