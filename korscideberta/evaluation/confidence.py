"""How far the probabilities of a finished classifier can be trusted, and sets of labels that can.

Shapes: N documents, C labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from korscideberta.data.encoding import label_indices
from korscideberta.data.examples import Example
from korscideberta.errors import ConfigError, ModelError
from korscideberta.evaluation.finished import FinishedRun
from korscideberta.evaluation.tables import text_table
from korscideberta.inference import probabilities
from korscideberta.metrics.calibration import calibration_error, selective_accuracy
from korscideberta.metrics.conformal import conformal_threshold, prediction_sets
from korscideberta.predictions import read_predictions
from korscideberta.training.kinds.sequence import SequenceKind

_ROUNDING = 5e-7
"""Files of predictions have six digits; a label must not be left out for having been rounded up there."""
SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.25)


def scaled(finished: FinishedRun, logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Divide logits by the run's temperature; errors as of `temperature`."""
    return logits / np.float32(temperature(finished))


def temperature(finished: FinishedRun) -> float:
    """Return what logits are divided by for calibrated probabilities.

    Raises:
        ConfigError: the run is not of a classifier.
        ModelError: it has no temperature.
    """
    _refuse_others(finished)
    found: float | None = finished.record.get("temperature")
    if found is None:
        raise ModelError(f"{finished.directory.settings_file}: no 'temperature'; train again")
    return found


def label_sets(finished: FinishedRun, logits: NDArray[np.float32], coverage: float) -> list[list[str]]:
    """Return for each row of logits (N, C) the labels, best first, that hold a gold one with the coverage asked for.

    Errors are those of `coverage_threshold`.
    """
    return sets_above(finished, logits, coverage_threshold(finished, coverage))


def coverage_threshold(finished: FinishedRun, coverage: float) -> float:
    """Return the probability from which on labels hold a gold one with the coverage asked for, by the dev predictions.

    Raises:
        ConfigError: the coverage lies outside (0, 1), or the run is not of a classifier.
        ModelError: the run's dev predictions do not have the probability of the gold label.
    """
    _refuse_others(finished)
    if not 0 < coverage < 1:
        raise ConfigError(f"--coverage {coverage}: must lie between 0 and 1, such as 0.9")
    dev = read_predictions(finished.directory.predictions("dev"), finished.kind.labels)
    if dev.gold_probability is None:
        raise ModelError(f"{dev.path}: no column 'gold_prob'; train again")
    return conformal_threshold(dev.gold_probability, coverage) - _ROUNDING


def sets_above(finished: FinishedRun, logits: NDArray[np.float32], threshold: float) -> list[list[str]]:
    """Return for each row of logits (N, C) the labels whose probability reaches a threshold, best first, or the best.

    Source: `metrics.conformal.prediction_sets`.
    """
    sets = prediction_sets(probabilities(logits), threshold)
    return [[finished.kind.labels[label] for label in row.tolist()] for row in sets]


def confidence_text(
    finished: FinishedRun, examples: Sequence[Example], logits: NDArray[np.float32], coverage: float
) -> str:
    """Lay out calibration errors, the accuracy among the surest documents, and how often sets hold a gold label."""
    index_of = {label: index for index, label in enumerate(finished.kind.labels)}
    gold = [set(label_indices(example, index_of)) for example in examples]
    shares_NC = probabilities(logits)
    best = shares_NC.argmax(axis=1)
    right = [label in labels for label, labels in zip(best.tolist(), gold, strict=True)]
    before = calibration_error(shares_NC.max(axis=1), right)
    calibrated = probabilities(scaled(finished, logits)).max(axis=1)
    after = calibration_error(calibrated, right)
    sets = label_sets(finished, logits, coverage)
    held = np.mean([bool(set(row) & set(one.labels)) for row, one in zip(sets, examples, strict=True)])
    rows = [["surest", "documents", "right"]]
    for share, accuracy in zip(SHARES, selective_accuracy(calibrated, right, SHARES), strict=True):
        rows.append([f"{share:.0%}", f"{max(1, round(share * len(examples))):,}", f"{accuracy:.4f}"])
    return (
        f"{text_table(rows)}\n"
        f"expected calibration error {before:.4f}, {after:.4f} at temperature {finished.record['temperature']:.3f}\n"
        f"sets for {coverage:.0%} of the documents hold a gold label of {held:.1%}, with "
        f"{np.mean([len(row) for row in sets]):.2f} labels on average"
    )


def _refuse_others(finished: FinishedRun) -> None:
    if not isinstance(finished.kind, SequenceKind):
        raise ConfigError(
            f"{finished.task.name} does not sort texts into labels; --coverage and --calibrated do not apply"
        )
    if finished.kind.each_by_itself:
        raise ConfigError(
            f"{finished.directory.path}: trained with --targets multi-label, each label has a probability of its own; "
            "--coverage and --calibrated do not apply"
        )
