"""Runs held against each other on the same documents.

Shapes: N documents, C labels.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from korscideberta.errors import ConfigError, ModelError
from korscideberta.evaluation.results import SPLITS_BY_WORTH, parts_of, read_groups
from korscideberta.metrics.comparison import Difference, holm, mcnemar, paired_difference
from korscideberta.metrics.parts import MacroF1, Part, Share
from korscideberta.metrics.resampling import RESAMPLES, interval, resampled_weights
from korscideberta.nearest import nearest
from korscideberta.predictions import Predictions, read_predictions
from korscideberta.run import RunDirectory
from korscideberta.tasks import Task, task_of
from korscideberta.tasks.taxonomy import LEVELS

logger = logging.getLogger(__name__)

SIGNIFICANCE = 0.05
"""A difference counts as shown when its 95 % interval leaves out zero and its corrected p-value is below this."""


@dataclass(frozen=True)
class System:
    """A run, or one with several seeds, whose figures are then the means over its seeds."""

    name: str
    task: Task
    labels: tuple[str, ...]
    seeds: tuple[Predictions, ...]
    groups: Path | None

    @classmethod
    def read(cls, path: Path, split: str | None) -> System:
        """Read a run's predictions for a split, or for the first it has of out-of-fold, test and dev.

        Raises:
            ModelError: there is no run, it has no such predictions, or they are damaged.
        """
        run = RunDirectory(path)
        if not run.settings_file.is_file() and (inner := sorted(path.glob("*/run.json"))):
            raise ModelError(f"{path}: holds several runs; name one, as {inner[0].parent}")
        record = run.read_settings()
        try:
            task, labels = task_of(record), tuple(record["labels"])
        except KeyError as error:
            raise ModelError(f"{run.settings_file}: no {error.args[0]!r}; not a run of a classifier") from None
        folders = [path / f"seed-{seed}" for seed in record["seeds"]] if record.get("seeds") else [path]
        split = split or next(
            (name for name in SPLITS_BY_WORTH if RunDirectory(folders[0]).predictions(name).is_file()), "test"
        )
        seeds = tuple(read_predictions(RunDirectory(folder).predictions(split), labels) for folder in folders)
        for other in seeds[1:]:
            refuse_other_documents(seeds[0], other)
        groups = path / "groups.csv"
        return cls(str(path), task, labels, seeds, groups if split == "oof" and groups.is_file() else None)

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels of which there are predictions, the highest first; none where labels have no levels."""
        if self.task.at_level is None:
            return ()
        if self.task.head != "levels":
            return (self.task.variant.get("level", LEVELS[0]),)
        above = self.task.levels_above(self.labels)
        kept = [level.name for level in above if all(level.name in one.levels for one in self.seeds)]
        return (*kept, LEVELS[len(above)])

    def at(self, name: str) -> System:
        """Return what is predicted at a level.

        Raises:
            ConfigError: there are no predictions of that level.
        """
        if name not in self.levels:
            there = f"it has predictions of {_named(self.levels)}" if self.levels else "its labels have no levels"
            raise ConfigError(f"--level {name}: not in {self.name}, {there}")
        level = next((one for one in self.task.levels_above(self.labels) if one.name == name), None)
        if level is None:
            return self
        return replace(
            self,
            task=replace(self.task, head="sequence"),
            labels=level.labels,
            seeds=tuple(one.at(level, self.labels) for one in self.seeds),
        )


@dataclass(frozen=True)
class Comparison:
    """The first system against another; differences are first minus other."""

    other: str
    figures: dict[str, Difference]
    only_first: int | None
    only_other: int | None
    mcnemar_p: float | None
    """Of the documents that one system alone has right; None where a system has several seeds."""
    fields: dict[str, dict[str, float | None]]
    """By label: support, F1 of both, difference and its interval."""
    corrected_p: float
    """The p-value of the figure compared, by Holm's method for all comparisons made."""
    verdict: str


@dataclass(frozen=True)
class Report:
    """All that `korsci compare` tells."""

    metric: str
    level: str | None
    """The level compared; None where labels have no levels."""
    documents: int
    groups: int
    k: int
    resamples: int
    seed: int
    figures: dict[str, dict[str, tuple[float, float, float]]]
    """By system and figure: value, and the ends of its 95 % interval."""
    comparisons: tuple[Comparison, ...]

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        content = asdict(self)
        content["figures"] = {
            system: {name: dict(zip(("value", "low", "high"), numbers, strict=True)) for name, numbers in found.items()}
            for system, found in self.figures.items()
        }
        return content


def compare(
    paths: Sequence[Path],
    *,
    split: str | None = None,
    metric: str | None = None,
    level: str | None = None,
    groups: Path | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Report:
    """Compare the first run with each of the others by the paired bootstrap over groups, and by McNemar's test.

    Args:
        paths: two or more run directories.
        split: which predictions; None takes the first of oof, test and dev that a run has.
        metric: the figure that the verdict is about; None is the task's own.
        level: the level whose labels are compared; None is the lowest that all runs have, if labels have levels.
        groups: CSV file with the columns id and group; None takes the `groups.csv` of the first run that has one, or
            lets every document be a group of its own.
        resamples: samples drawn.
        seed: of the samples.

    Raises:
        ConfigError: too few runs, an unknown metric, no such level in a run, or runs that are not of a classifier.
        ModelError: predictions are missing or damaged, or not of the same documents and gold labels.
    """
    if len(paths) < 2:
        raise ConfigError("give two or more runs to compare")
    if len({path.resolve() for path in paths}) < len(paths):
        raise ConfigError("a run was given twice; name different ones")
    systems = [System.read(path, split) for path in paths]
    level = level or _lowest_of_all(systems)
    systems = systems if level is None else [system.at(level) for system in systems]
    first = systems[0].seeds[0]
    for system in systems[1:]:
        refuse_other_documents(first, system.seeds[0])
    labels = tuple(dict.fromkeys(label for system in systems for label in system.labels))
    k = min(seed_run.k for system in systems for seed_run in system.seeds)
    parts = [_parts(system, labels, k, first.ids, systems[0].task) for system in systems]
    names = [name for name in parts[0][0] if all(name in one for seeds in parts for one in seeds)]
    metric = metric or systems[0].task.metric
    if metric not in names:
        raise ConfigError(f"--metric {metric}: {nearest(metric, names)}")
    group_of = _groups(groups or next((system.groups for system in systems if system.groups), None), first.ids)
    drawn = _draw(parts, names, group_of, len(labels), resamples, seed)
    observed = [{name: float(np.mean([one[name].value() for one in seeds])) for name in names} for seeds in parts]
    figures = {
        system.name: {name: (observed[at][name], *interval(drawn.figures[at][name])) for name in names}
        for at, system in enumerate(systems)
    }
    differences = [
        {
            name: paired_difference(
                observed[0][name] - observed[at][name], drawn.figures[0][name] - drawn.figures[at][name]
            )
            for name in names
        }
        for at in range(1, len(systems))
    ]
    support = Counter(label for gold in first.gold for label in gold)
    corrected = holm([found[metric].p for found in differences])
    comparisons = []
    for at, (found, p) in enumerate(zip(differences, corrected, strict=True), start=1):
        only = _only(parts[0], parts[at])
        comparisons.append(
            Comparison(
                other=systems[at].name,
                figures=found,
                only_first=only and only[0],
                only_other=only and only[1],
                mcnemar_p=only and mcnemar(*only),
                fields=_fields(parts[0], parts[at], drawn.fields[0] - drawn.fields[at], labels, support),
                corrected_p=p,
                verdict=verdict(
                    systems[0].name,
                    systems[at].name,
                    metric,
                    (observed[0][metric], observed[at][metric]),
                    found[metric],
                    p,
                    comparisons=len(differences),
                    single_runs=len(systems[0].seeds) == 1 or len(systems[at].seeds) == 1,
                ),
            )
        )
    return Report(
        metric, level, len(first.ids), int(group_of.max()) + 1, k, resamples, seed, figures, tuple(comparisons)
    )


def _lowest_of_all(systems: Sequence[System]) -> str | None:
    """Return the lowest level that all systems have; None where labels have no levels."""
    if not all(system.levels for system in systems):
        return None
    found = next((name for name in reversed(LEVELS) if all(name in system.levels for system in systems)), None)
    if found is None:
        told = "; ".join(f"{system.name} has {_named(system.levels)}" for system in systems)
        raise ConfigError(f"no level of fields that all runs have predictions of: {told}")
    return found


def _named(levels: Sequence[str]) -> str:
    return f"{' and '.join(levels)} fields"


def refuse_other_documents(one: Predictions, other: Predictions) -> None:
    """Raise ModelError, naming the first difference, unless both files have the same documents and gold labels."""
    there = dict(zip(other.ids, other.gold, strict=True))
    for identity, gold in zip(one.ids, one.gold, strict=True):
        if identity not in there:
            raise ModelError(f"not the same documents: {other.path} has no {identity!r}, which {one.path} has")
        if set(gold) != set(there[identity]) or gold[0] != there[identity][0]:
            raise ModelError(
                f"not the same gold labels: {identity!r} is {'|'.join(gold)} in {one.path}, "
                f"{'|'.join(there[identity])} in {other.path}"
            )
    here = set(one.ids)
    for identity in other.ids:
        if identity not in here:
            raise ModelError(f"not the same documents: {one.path} has no {identity!r}, which {other.path} has")


def verdict(
    first: str,
    other: str,
    metric: str,
    values: tuple[float, float],
    difference: Difference,
    p: float,
    *,
    comparisons: int,
    single_runs: bool,
) -> str:
    """Say in words what a difference shows, and no more than its interval and corrected p-value allow."""
    shown = (difference.low > 0 or difference.high < 0) and p < SIGNIFICANCE
    low, value, high = difference.low, difference.value, difference.high
    if shown and value < 0:
        # The one that does better is named first, and the numbers with it.
        first, other, values, low, value, high = other, first, values[::-1], -high, -value, -low
    numbers = (
        f"{values[0]:.4f} against {values[1]:.4f} (difference {value:+.4f}, 95 % interval {low:+.4f} to {high:+.4f}, "
        f"{p_text(p)}{f' after correction for {comparisons} comparisons' if comparisons > 1 else ''})."
    )
    if shown:
        text = f"{first} does better than {other} in {metric}: {numbers}"
    else:
        text = (
            f"No difference between {first} and {other} is shown in {metric}: {numbers} "
            "That does not show that they are equal."
        )
    if single_runs:
        text += " The interval is about the choice of documents; that another seed trains another model is not in it."
    return text


def p_text(p: float) -> str:
    """Return a p-value in words, never as 0."""
    return f"p = {p:.4f}" if p >= 0.0001 else "p < 0.0001"


@dataclass(frozen=True)
class _Drawn:
    figures: list[dict[str, NDArray[np.float64]]]
    """For each system its figures (resamples,)."""
    fields: NDArray[np.float32]
    """(systems, resamples, C): F1 of each label, NaN where a resample has it neither as gold nor as predicted label."""


def _draw(
    parts: Sequence[Sequence[Mapping[str, Part]]],
    names: Sequence[str],
    groups: NDArray[np.int64],
    num_labels: int,
    resamples: int,
    seed: int,
) -> _Drawn:
    figures = np.empty((len(parts), len(names), resamples))
    fields = np.empty((len(parts), resamples, num_labels), dtype=np.float32)
    for at, weights in enumerate(resampled_weights(groups, resamples, seed)):
        for system, seeds in enumerate(parts):
            figures[system, :, at] = np.mean([[one[name].value(weights) for name in names] for one in seeds], axis=0)
            fields[system, at] = np.mean([_per_label(one, weights) for one in seeds], axis=0)
    return _Drawn([dict(zip(names, found, strict=True)) for found in figures], fields)


def _per_label(parts: Mapping[str, Part], weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    macro = parts["f1_macro"]
    assert isinstance(macro, MacroF1)
    return macro.per_label(weights)


def _parts(system: System, labels: Sequence[str], k: int, ids: Sequence[str], task: Task) -> list[Mapping[str, Part]]:
    """The figures of each seed, documents in the order of `ids`."""
    aligned = [run.in_order(ids) for run in system.seeds]
    return [parts_of(task, run, labels, k) for run in aligned]


def _groups(path: Path | None, ids: Sequence[str]) -> NDArray[np.int64]:
    if path is None:
        logger.info("no groups.csv: every document is a group of its own; --groups FILE names near-duplicates")
        return np.arange(len(ids))
    named = read_groups(path)
    missing = next((identity for identity in ids if identity not in named), None)
    if missing is not None:
        raise ModelError(f"{path}: no group for document {missing!r}")
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(named[identity], len(numbers)) for identity in ids])


def _only(first: Sequence[Mapping[str, Part]], other: Sequence[Mapping[str, Part]]) -> tuple[int, int] | None:
    """How many documents each system alone has right: by its best-ranked label or, in `papers`, one of the best k."""
    if len(first) > 1 or len(other) > 1:
        return None
    name = "accuracy" if "accuracy" in first[0] else "f1_micro"
    one, two = first[0][name], other[0][name]
    assert isinstance(one, Share)
    assert isinstance(two, Share)
    return int((one.gained > two.gained).sum()), int((two.gained > one.gained).sum())


def _fields(
    first: Sequence[Mapping[str, Part]],
    other: Sequence[Mapping[str, Part]],
    drawn: NDArray[np.float32],
    labels: Sequence[str],
    support: Counter[str],
) -> dict[str, dict[str, float | None]]:
    """Labels in the order of their support; None where a system has a label neither as gold nor as predicted one."""
    ours = np.mean([_per_label(one) for one in first], axis=0)
    theirs = np.mean([_per_label(one) for one in other], axis=0)
    fields = {}
    for label, count in support.most_common():
        at = labels.index(label)
        numbers = [ours[at], theirs[at], ours[at] - theirs[at]]
        known = drawn[:, at][~np.isnan(drawn[:, at])]
        numbers += interval(known.astype(np.float64)) if len(known) else (np.nan, np.nan)
        fields[label] = {
            "support": count,
            **{
                name: None if np.isnan(number) else float(number)
                for name, number in zip(("first", "other", "difference", "low", "high"), numbers, strict=True)
            },
        }
    return fields
