"""Baselines scored on the folds or splits of a run, in run directories that `korsci compare` takes."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sklearn

from korscideberta._version import __version__
from korscideberta.data.encoding import label_indices
from korscideberta.data.examples import Columns, label_set
from korscideberta.errors import ConfigError, DataError, ModelError
from korscideberta.evaluation.baseline import fit_baseline
from korscideberta.evaluation.crossval import OOF, fold_record, out_of_fold_figures
from korscideberta.evaluation.folds import FoldOptions, FoldPlan
from korscideberta.evaluation.results import parts_of
from korscideberta.files import file_sha256, write_json
from korscideberta.metrics.summary import summarise
from korscideberta.predictions import Predictions
from korscideberta.run import RunDirectory
from korscideberta.tasks import Task, task_of, task_record
from korscideberta.training.finetune import DEV_SHARE, Source, read_merged

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """One of the kinds of baseline, and how it is fitted and scored."""

    kind: str
    engine: str = "mecab"
    """Morphological analyser of `tfidf-morph`."""
    top_k: int = 3

    def __post_init__(self) -> None:
        if self.top_k < 1:
            raise ConfigError(f"--top-k {self.top_k}: must be above 0")


def like(path: Path) -> tuple[Task, Source, FoldOptions | None]:
    """Return the task and data of a run, and how it divided them; None for a run that did not.

    Raises:
        ModelError: there is no run.
        DataError: a file has changed since.
    """
    record = RunDirectory(path).read_settings()
    try:
        task, columns = task_of(record), record["columns"]
        files = {split: tuple(Path(entry["file"]) for entry in found) for split, found in record["data"].items()}
        digests = {Path(entry["file"]): entry["sha256"] for found in record["data"].values() for entry in found}
        names = FoldOptions.__dataclass_fields__
        options = FoldOptions(**{name: record[name] for name in names}) if "folds" in record else None
    except (KeyError, TypeError) as error:
        raise ModelError(f"--like {path}: its run.json has no {error}; not a run of 'korsci cv' or 'train'") from None
    for file, digest in digests.items():
        if not file.is_file() or file_sha256(file) != digest:
            raise DataError(f"{file}: {'changed' if file.is_file() else 'gone'} since the run of --like {path}")
    columns = columns and Columns(**{**columns, "text": tuple(columns["text"])})
    return task, Source(files=files, columns=columns, dev_share=record.get("dev_share", DEV_SHARE)), options


def score_folds(
    plan: FoldPlan, source: Source, baseline: Baseline, path: Path, *, overwrite: bool = False
) -> dict[str, dict[str, float]]:
    """Fit a baseline on all documents outside each fold, predict the fold, and write the run directory `path`.

    There is no checkpoint to select: the rows that a model keeps for that are training rows here.

    Raises:
        ConfigError: `path` holds something already.
    """
    run = _begin(path, {**fold_record(plan, source), "baseline": asdict(baseline)}, overwrite=overwrite)
    plan.write_groups(run.path / "groups.csv")
    levels = plan.task.levels_above(plan.labels)
    parts = []
    for fold in plan.folds:
        logger.info("%s: fold %d of %d", baseline.kind, fold + 1, len(plan.folds))
        score = fit_baseline(baseline.kind, [plan.examples[i] for i in plan.rest(fold)], plan.labels, baseline.engine)
        tested = [plan.examples[i] for i in range(len(plan.examples)) if plan.fold_of[i] == fold]
        top_k = min(baseline.top_k, len(plan.labels))
        parts.append(Predictions.ranked_by(score(tested), tested, plan.labels, top_k, levels))
    joined = Predictions.joined(parts, run.predictions(OOF)).in_order([example.id for example in plan.examples])
    joined.write(joined.path)
    figures = {OOF: out_of_fold_figures(plan, joined)}
    run.write_metrics(figures)
    return figures


def score_splits(
    task: Task, source: Source, baseline: Baseline, path: Path, *, overwrite: bool = False
) -> dict[str, dict[str, float]]:
    """Fit a baseline on the training rows, predict dev and test rows, and write the run directory `path`.

    Raises:
        ConfigError: `path` holds something already, or the task does not sort documents into labels.
        DataError: a label is unknown.
    """
    if not task.sorts:
        raise ConfigError(f"there is no baseline for the task {task.name}, only for those that sort into labels")
    task, examples = read_merged(task, source)
    labels = task.labels or label_set(examples["train"])
    index_of = {label: index for index, label in enumerate(labels)}
    gold = {split: [label_indices(example, index_of) for example in rows] for split, rows in examples.items()}
    counts = [0] * len(labels)
    for indices in gold["train"]:
        for index in indices:
            counts[index] += 1
    record = {
        **task_record(task),
        **source.record(),
        "labels": list(labels),
        "train_label_counts": counts,
        "baseline": asdict(baseline),
    }
    run = _begin(path, record, overwrite=overwrite)
    score = fit_baseline(baseline.kind, examples.pop("train"), labels, baseline.engine)
    top_k = min(baseline.top_k, len(labels))
    levels = task.levels_above(labels)
    figures = {}
    for split, rows in examples.items():
        scores = score(rows)
        found = Predictions.ranked_by(scores, rows, labels, top_k, levels)
        found.write(run.predictions(split))
        figures[split] = summarise(task.score, scores, gold[split], top_k, counts)
        if levels:
            figures[split] |= {name: part.value() for name, part in parts_of(task, found, labels, top_k).items()}
    run.write_metrics(figures)
    return figures


def _begin(path: Path, record: dict[str, Any], *, overwrite: bool) -> RunDirectory:
    run = RunDirectory(path)
    run.check(overwrite=overwrite and path.exists(), resume=False)
    run.begin(overwrite=overwrite)
    write_json(
        run.settings_file, {**record, "versions": {"korscideberta": __version__, "sklearn": sklearn.__version__}}
    )
    return run
