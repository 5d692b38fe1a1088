"""A number for each text or pair of texts.

Shapes: B batch, N examples.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from korscideberta.data.examples import Example
from korscideberta.data.features import Limits, SequenceFeatures
from korscideberta.data.long_texts import encode_texts
from korscideberta.errors import DataError, ModelError
from korscideberta.model.config import DebertaV2Config
from korscideberta.tasks import Task
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.training.kinds.kind import Stored
from korscideberta.training.kinds.sequence import TextKind
from korscideberta.training.losses import SquaredError
from korscideberta.training.settings import TrainSettings


class RegressionKind(TextKind):
    """Regression, by the squared error.

    Args:
        task: the task.
        mean: mean of the training values, the baseline; NaN where it is not known.
    """

    answer = "float(logits)"

    def __init__(self, task: Task, mean: float) -> None:
        super().__init__(task)
        self.mean = mean

    @classmethod
    def learn(cls, task: Task, train: Sequence[Example], origin: str) -> RegressionKind:
        """Take the mean of the training values."""
        _check_values(train)
        return cls(task, math.fsum(_values(train)) / len(train))

    def record(self) -> dict[str, Any]:
        """The mean of the training values."""
        return {**super().record(), "train_mean": self.mean}

    @classmethod
    def restore(cls, task: Task, record: Mapping[str, Any]) -> RegressionKind:
        """The kind of a finished run."""
        return cls(task, record["train_mean"])

    @classmethod
    def of_model(cls, task: Task, config: DebertaV2Config) -> RegressionKind:
        """The kind for a model with one column."""
        return cls(task, math.nan)

    @property
    def model_labels(self) -> tuple[str, ...]:
        """One column."""
        return ("LABEL_0",)

    @property
    def config_changes(self) -> dict[str, Any]:
        """The problem type."""
        return {"problem_type": "regression"}

    def check(self, examples: Sequence[Example]) -> None:
        """Refuse an example without a value."""
        _check_values(examples)

    def gold(self, example: Example) -> float | None:
        """The value."""
        return example.value

    def encode(
        self,
        examples: Sequence[Example],
        tokenizer: DebertaV2Tokenizer,
        limits: Limits,
        *,
        labelled: bool,
        cache: Path | None = None,
    ) -> SequenceFeatures:
        """A feature an example, several where it is read in windows; targets (B, 1) are the values."""
        encoded = encode_texts(examples, tokenizer, None, limits, cache=cache)
        if not labelled:
            return SequenceFeatures(encoded)
        value_N1 = torch.tensor(_values(examples), dtype=torch.float32)[:, None]
        return SequenceFeatures(encoded, lambda indices: value_N1[list(indices)])

    def objective(self, settings: TrainSettings) -> SquaredError:
        """The squared error."""
        return SquaredError()

    def figures(self, examples: Sequence[Example], outputs: NDArray[np.float32], k: int) -> dict[str, float]:
        """The task's figures, the error of always giving the mean of the training values, the number of documents."""
        _check_values(examples)
        values = _values(examples)
        known = math.isfinite(self.mean)
        baseline = self.task.score([self.mean] * len(values), values) if known else {}
        return {
            **self.task.score(outputs[:, 0], values),
            **{f"majority_{name}": figure for name, figure in baseline.items()},
            "documents": len(values),
        }

    def predictions(self, examples: Sequence[Example], outputs: NDArray[np.float32], k: int) -> list[dict[str, Any]]:
        """The value."""
        return [{"value": round(float(value), 6)} for value in outputs[:, 0]]

    def shown(self, prediction: Mapping[str, Any]) -> list[str]:
        """The value."""
        return [f"{prediction['value']:.4f}"]

    def stored(self, path: Path) -> Stored:
        """Read a run's JSON Lines file."""
        try:
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            predicted = np.array([row["value"] for row in rows], dtype=np.float64)
            gold = np.array([row["gold"] for row in rows], dtype=np.float64)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path}: not the predictions of this run ({error}); train again") from None
        return Stored(len(rows), lambda indices: self.task.score(predicted[indices], gold[indices]))


def _values(examples: Sequence[Example]) -> list[float]:
    return [math.nan if example.value is None else example.value for example in examples]


def _check_values(examples: Sequence[Example]) -> None:
    for example in examples:
        if example.value is None or not math.isfinite(example.value):
            raise DataError(f"{example.origin}: the value is {example.value}; give a number")
