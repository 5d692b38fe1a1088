"""The figures of a finished run with intervals, from its prediction files."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from korscideberta.errors import ModelError
from korscideberta.evaluation.results import Figure
from korscideberta.metrics.resampling import bootstrap_intervals, interval, resampled_figures
from korscideberta.run import RunDirectory
from korscideberta.training.kinds import Kind

_log = logging.getLogger(__name__)

RESAMPLES, SEED = 1000, 0
_TOLERANCE = 1e-6


def read_figures(run: RunDirectory, kind: Kind[Any, Any]) -> dict[str, dict[str, Figure]]:
    """Return the figures of `metrics.json` by split and name, with intervals from the predictions of each split.

    Raises:
        ModelError: the run is not finished, or its figures are not those of its predictions.
    """
    try:
        stored = json.loads(run.metrics.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{run.metrics}: cannot be read ({error}); let the training finish") from None
    _log.info("%s: resampling the predictions %d times for intervals", run.path, RESAMPLES)
    suffix = kind.suffixes[0]
    return {split: _with_intervals(run.predictions(split, suffix), found, kind) for split, found in stored.items()}


def _with_intervals(path: Path, figures: dict[str, float], kind: Kind[Any, Any]) -> dict[str, Figure]:
    stored = kind.stored(path)
    intervals: dict[str, tuple[float, float]] = {}
    if stored is not None:

        def of_sample(indices: NDArray[np.int64]) -> dict[str, float]:
            found = stored.score(indices)
            return {name: found[name] for name in found if name not in stored.undecided}

        for name, value in of_sample(np.arange(stored.examples)).items():
            if name in figures and abs(figures[name] - value) > _TOLERANCE:
                raise ModelError(
                    f"{path}: {name} of these predictions is {value:.4f}, metrics.json has {figures[name]:.4f}; "
                    "train again"
                )
        if stored.parts is None:
            intervals = bootstrap_intervals(of_sample, stored.examples, resamples=RESAMPLES, seed=SEED)
        else:
            drawn = resampled_figures(stored.parts, np.arange(stored.examples), resamples=RESAMPLES, seed=SEED)
            intervals = {name: interval(figures_drawn) for name, figures_drawn in drawn.items()}
    return {
        name: Figure(value, figures.get(f"majority_{name}"), intervals.get(name))
        for name, value in figures.items()
        if not isinstance(value, int) and not name.startswith("majority_")
    }
