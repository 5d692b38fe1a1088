"""How every label fared, beside how many rows it has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from korscideberta.data.examples import Example
from korscideberta.errors import ConfigError
from korscideberta.evaluation.finished import FinishedRun
from korscideberta.evaluation.report.counts import Counted, by_label
from korscideberta.evaluation.tables import text_table
from korscideberta.predictions import Predictions
from korscideberta.training.kinds.sequence import SequenceKind


def label_table(finished: FinishedRun, examples: Sequence[Example], outputs: NDArray[np.float32]) -> str:
    """Lay out precision, recall and F1 of the label named first, for every label of a row or named for one.

    Labels with the most training rows (or, where they are not known, tested ones) come first.

    Raises:
        ConfigError: the run is not of a classifier.
    """
    kind = finished.kind
    if not isinstance(kind, SequenceKind):
        raise ConfigError(f"--by-label: {finished.task.name} does not sort texts into labels")
    predictions = Predictions.ranked_by(kind.shares(outputs), examples, kind.labels, 1)
    found = by_label(Counted.of(predictions, kind.labels))
    support = kind.counts or {one.label: one.documents for one in found}
    rows = [["label", *(["train"] if kind.counts else []), "tested", "named", "precision", "recall", "F1"]]
    for one in sorted(found, key=lambda one: -support[one.label]):
        counts = [*([kind.counts[one.label]] if kind.counts else []), one.documents, one.named]
        shares = (one.precision, one.recall, one.f1)
        rows.append(
            [finished.task.display(kind.labels[one.label]), *(f"{n:,}" for n in counts), *(f"{x:.4f}" for x in shares)]
        )
    absent = len(kind.labels) - len(found)
    return text_table(rows) + (f"\n{absent:,} more labels are neither of a row nor named for one" if absent else "")
