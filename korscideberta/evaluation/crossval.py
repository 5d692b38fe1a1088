"""Cross-validation: a run a fold, and the out-of-fold predictions of them all.

    OUT/run.json  groups.csv  predictions-oof.csv  metrics.json
    OUT/data/fold-K.csv   what fold K's run reads
    OUT/fold-K/           an ordinary run directory
    OUT/final/            with a refit, the run on all documents

With several seeds the predictions, figures and runs of each are in OUT/seed-S/; metrics.json then holds their means.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from korscideberta._version import __version__
from korscideberta.data.encoding import label_indices
from korscideberta.errors import ConfigError
from korscideberta.evaluation.folds import FoldPlan
from korscideberta.evaluation.results import parts_of
from korscideberta.files import write_json
from korscideberta.metrics.levels import level_figures
from korscideberta.metrics.resampling import RESAMPLES, interval, resampled_figures
from korscideberta.metrics.summary import majority_scores
from korscideberta.predictions import Predictions, read_predictions
from korscideberta.run import RunDirectory
from korscideberta.tasks import task_record
from korscideberta.training.finetune import ModelChoice, Source, fine_tune
from korscideberta.training.seeds import aggregate
from korscideberta.training.settings import TrainSettings, comparable

logger = logging.getLogger(__name__)

OOF = "oof"


def cross_validate(
    plan: FoldPlan,
    source: Source,
    choice: ModelChoice,
    settings: TrainSettings,
    seeds: Sequence[int],
    run: RunDirectory,
    *,
    device: torch.device,
    overwrite: bool = False,
    resume: bool = False,
    refit: bool = False,
) -> dict[str, dict[str, float]]:
    """Train and test a model a fold and seed; return the figures that `metrics.json` now holds.

    Those of the out-of-fold predictions are under `oof`, with the ends of their 95 % intervals as NAME_low and
    NAME_high; with several seeds they are means, with the standard deviation as NAME_sd and no intervals. With `resume`
    finished folds are left as they are and an unfinished one goes on from its last checkpoint.

    Raises:
        KorsciError: as `fine_tune`; or a resumed run is of other data, folds or settings.
        Interrupted: a signal asked to stop; the whole can be resumed.
    """
    if len(set(seeds)) < len(seeds) or not seeds:
        raise ConfigError(f"--seeds {' '.join(map(str, seeds))}: give different seeds")
    run.check(overwrite=overwrite, resume=resume)
    record = _record(plan, source, choice, settings, seeds)
    if resume:
        refuse_other_run(run, record)
        if run.metrics.is_file() and not (refit and not (run.path / "final" / "metrics.json").is_file()):
            logger.info("%s: finished already", run.path)
            return run.read_metrics()
    with run.held():
        run.begin(overwrite=overwrite)
        write_json(run.settings_file, record)
        plan.write_groups(run.path / "groups.csv")
        figures = []
        for seed in seeds:
            folder = RunDirectory(run.path / f"seed-{seed}") if len(seeds) > 1 else run
            for fold in plan.folds:
                table = run.path / "data" / f"fold-{fold + 1}.csv"
                plan.write_table(table, plan.splits(fold))
                logger.info("fold %d of %d%s", fold + 1, len(plan.folds), f", seed {seed}" if len(seeds) > 1 else "")
                _one_run(plan, table, ("train", "dev", "test"), source, choice, replace(settings, seed=seed),
                         RunDirectory(folder.path / f"fold-{fold + 1}"), device)  # fmt: skip
            figures.append({OOF: _gather(plan, folder)})
            if len(seeds) > 1:
                folder.write_metrics(figures[-1])
        if refit:
            table = run.path / "data" / "final.csv"
            plan.write_table(table, plan.splits_of_all())
            logger.info("final run on all documents")
            _one_run(plan, table, ("train", "dev"), source, choice, replace(settings, seed=seeds[0]),
                     RunDirectory(run.path / "final"), device)  # fmt: skip
        result = figures[0] if len(seeds) == 1 else _means(figures)
        run.write_metrics(result)
        return result


def out_of_fold_figures(plan: FoldPlan, predictions: Predictions) -> dict[str, float]:
    """Return the figures of all documents with their 95 % intervals, and those of each fold's majority class."""
    parts = parts_of(plan.task, predictions, plan.labels, predictions.k)
    drawn = resampled_figures(parts, plan.groups, resamples=RESAMPLES)
    figures: dict[str, float] = {}
    for name, part in parts.items():
        figures[name] = part.value()
        figures[f"{name}_low"], figures[f"{name}_high"] = interval(drawn[name])
    gold = gold_indices(plan)
    scores_NC, k = majority_of_folds(plan), predictions.k
    levels = plan.task.levels_above(plan.labels)
    majority = {**plan.task.score(scores_NC, gold, k), **level_figures(plan.task.score, scores_NC, gold, k, levels)}
    figures |= {f"majority_{name}": value for name, value in majority.items() if name in parts}
    return {**figures, "k": k, "documents": len(gold), "groups": int(plan.groups.max()) + 1}


def gold_indices(plan: FoldPlan) -> list[tuple[int, ...]]:
    """Return the gold labels of all documents as indices."""
    index_of = {label: index for index, label in enumerate(plan.labels)}
    return [label_indices(example, index_of) for example in plan.examples]


def majority_of_folds(plan: FoldPlan) -> NDArray[np.float64]:
    """Return (N, C) scores that rank labels by how often the documents outside a document's fold have them."""
    gold = gold_indices(plan)
    scores_NC = np.empty((len(gold), len(plan.labels)))
    for fold in plan.folds:
        counts = np.bincount([label for i in plan.rest(fold) for label in gold[i]], minlength=len(plan.labels))
        held = plan.fold_of == fold
        scores_NC[held] = majority_scores(counts.tolist(), int(held.sum()))
    return scores_NC


def refuse_other_run(run: RunDirectory, record: Mapping[str, Any]) -> None:
    """Raise ConfigError, naming all that differs, unless a run was begun with the same data and settings."""
    before = run.read_settings()
    if "folds" not in before:
        raise ConfigError(f"--resume: {run.path} is no cross-validation")
    if "settings" in before:
        settings, model = (
            comparable(before["settings"], without=("seed",)),
            {**asdict(ModelChoice()), **before["model"]},
        )
        before = {**before, "settings": settings, "model": model}
    differing = [name for name in record if name != "versions" and before.get(name) != _as_json(record[name])]
    told = [f"{name} was {before.get(name)!r}, now {_as_json(record[name])!r}" for name in differing]
    if told:
        raise ConfigError(f"--resume: not what was begun in {run.path}: {'; '.join(told)}")


def _record(
    plan: FoldPlan, source: Source, choice: ModelChoice, settings: TrainSettings, seeds: Sequence[int]
) -> dict[str, Any]:
    """Return the content of `run.json`."""
    return {
        **fold_record(plan, source),
        "model": {name: str(value) if isinstance(value, Path) else value for name, value in asdict(choice).items()},
        "settings": comparable(asdict(settings), without=("seed",)),
        **({"seeds": list(seeds)} if len(seeds) > 1 else {"seed": seeds[0]}),
        "versions": {"korscideberta": __version__, "torch": torch.__version__},
    }


def fold_record(plan: FoldPlan, source: Source) -> dict[str, Any]:
    """Return what `run.json` says of the data and how they are divided."""
    return {
        **task_record(plan.task),
        **source.record(),
        "labels": list(plan.labels),
        **asdict(plan.options),
        "near_duplicates": plan.leak(),
    }


def _as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _one_run(
    plan: FoldPlan,
    table: Path,
    splits: Sequence[str],
    source: Source,
    choice: ModelChoice,
    settings: TrainSettings,
    run: RunDirectory,
    device: torch.device,
) -> None:
    """Train on a table written before, unless that is done; go on with what a kill has left."""
    if run.metrics.is_file():
        return
    files: dict[str, tuple[Path, ...]] = dict.fromkeys(splits, (table,))
    fold_source = replace(source, files=files, columns=plan.columns, merge_rare=0)  # the plan has merged
    resume = run.settings_file.is_file()
    fine_tune(plan.task, fold_source, choice, settings, run, device=device, resume=resume)


def _gather(plan: FoldPlan, folder: RunDirectory) -> dict[str, float]:
    """Write the out-of-fold predictions of all folds, documents in the order they were read, and score them."""
    parts = [
        read_predictions(RunDirectory(folder.path / f"fold-{fold + 1}").predictions("test"), plan.labels)
        for fold in plan.folds
    ]
    joined = Predictions.joined(parts, folder.predictions(OOF)).in_order([example.id for example in plan.examples])
    joined.write(folder.predictions(OOF))
    return out_of_fold_figures(plan, joined)


def _means(figures: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """Return means and standard deviations over seeds; the intervals are of one seed each and left out."""
    ends = ("_low", "_high")
    return aggregate([{OOF: {k: v for k, v in one[OOF].items() if not k.endswith(ends)}} for one in figures])
