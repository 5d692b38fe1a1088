"""What another number format than float32 changes in a model's answers."""

# Shapes: N examples, C labels

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from korscideberta.data.examples import BaseExample
from korscideberta.training.kinds import Kind


def change(
    kind: Kind[Any, Any], examples: Sequence[BaseExample], outputs: Any, reference: Any
) -> dict[str, float | None]:
    """Compare the outputs of two formats for the same examples.

    Returns:
        `agreement`, the share of examples whose first answer is the same, and of logits (N, C) the largest and the
        mean difference, `max_logit_difference` and `mean_logit_difference`. What a kind of head does not have is None:
        the answer of regression is a number, and answers found in a text have no common logits.
    """
    differences = None
    if isinstance(outputs, np.ndarray):
        differences = np.abs(outputs.astype(np.float64) - reference)
    number_alone = differences is not None and outputs.shape[-1] == 1
    first, second = (None if number_alone else _answers(kind, examples, one) for one in (outputs, reference))
    return {
        "agreement": None
        if first is None or second is None
        else float(np.mean([a == b for a, b in zip(first, second, strict=True)])),
        "max_logit_difference": None if differences is None else float(differences.max()),
        "mean_logit_difference": None if differences is None else float(differences.mean()),
    }


def change_text(name: str, found: Mapping[str, float | None]) -> str:
    """Tell of the change in one line; `name` is the format."""
    told = []
    if (agreement := found["agreement"]) is not None:
        told.append(f"the same first answer for {agreement:.2%} of the rows")
    if found["max_logit_difference"] is not None:
        mean, most = found["mean_logit_difference"], found["max_logit_difference"]
        told.append(f"logits differ by {mean:.2g} on average, {most:.2g} at most")
    return f"{name} against float32: {'; '.join(told) or 'see the figures'}"


def _answers(kind: Kind[Any, Any], examples: Sequence[BaseExample], outputs: Any) -> list[Any]:
    return [_without_numbers(prediction) for prediction in kind.predictions(examples, outputs, 1)]


def _without_numbers(prediction: Any) -> Any:
    """What a prediction says, without probabilities and without what it knows from the gold answer."""
    if isinstance(prediction, Mapping):
        return {
            name: _without_numbers(value)
            for name, value in prediction.items()
            if not isinstance(value, float) and not name.startswith("gold")
        }
    if isinstance(prediction, (list, tuple)):
        return [_without_numbers(one) for one in prediction if not isinstance(one, float)]
    return prediction
