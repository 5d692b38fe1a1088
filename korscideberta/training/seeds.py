"""The same run with several seeds, and the mean and spread of their figures."""

from __future__ import annotations

import logging
import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import torch

from korscideberta.collective import is_main
from korscideberta.errors import ConfigError
from korscideberta.files import write_json
from korscideberta.run import RunDirectory
from korscideberta.tasks import Task
from korscideberta.training.finetune import ModelChoice, Source, fine_tune
from korscideberta.training.settings import TrainSettings

logger = logging.getLogger(__name__)


def fine_tune_seeds(
    task: Task,
    source: Source,
    choice: ModelChoice,
    settings: TrainSettings,
    seeds: Sequence[int],
    run: RunDirectory,
    *,
    device: torch.device,
    overwrite: bool = False,
    resume: bool = False,
) -> dict[str, dict[str, float]]:
    """Train with each seed in a run directory `seed-N` of its own; return the figures `metrics.json` now holds.

    Those are each figure's mean, and its sample standard deviation under its name with `_sd`. With `resume` finished
    seeds are left as they are and new ones may be added.

    Raises:
        KorsciError: as `fine_tune`; or fewer than two different seeds.
        Interrupted: a signal asked to stop; the whole can be resumed.
    """
    if len(seeds) < 2 or len(set(seeds)) < len(seeds):
        raise ConfigError(f"--seeds {' '.join(map(str, seeds))}: give two or more different seeds")
    run.check(overwrite=overwrite, resume=resume)
    if resume and "seeds" not in run.read_settings():
        raise ConfigError(f"--resume: {run.path} holds a single run; leave --seeds out")

    until_the_end = ExitStack()

    def begin(record: Mapping[str, Any]) -> None:
        until_the_end.enter_context(run.held())
        run.begin(overwrite=overwrite)
        write_json(run.settings_file, {**record, "seeds": list(seeds)})

    with until_the_end:
        figures = []
        for number, seed in enumerate(seeds):
            one = RunDirectory(run.path / f"seed-{seed}")
            logger.info("seed %d (%d of %d)", seed, number + 1, len(seeds))
            figures.append(
                fine_tune(
                    task,
                    source,
                    choice,
                    replace(settings, seed=seed),
                    one,
                    device=device,
                    resume=resume and one.settings_file.is_file(),
                    overwrite=overwrite,
                    on_begin=begin if number == 0 else None,
                )
            )
        spread = aggregate(figures)
        if is_main():
            run.write_metrics(spread)
        return spread


def aggregate(figures: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """Return by split each figure's mean and, as NAME_sd, its sample standard deviation; counts stay whole numbers."""
    result: dict[str, dict[str, float]] = {}
    for split, first in figures[0].items():
        result[split] = {}
        for name, value in first.items():
            if isinstance(value, int):
                result[split][name] = value
                continue
            values = [run[split][name] for run in figures]
            result[split][name] = statistics.fmean(values)
            result[split][f"{name}_sd"] = statistics.stdev(values)
    return result
