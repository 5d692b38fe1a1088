"""Any number of labels a text, none included, each decided by itself.

Shapes: B batch, N examples, C labels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from korscideberta.data.examples import Example
from korscideberta.data.features import Limits, SequenceFeatures
from korscideberta.data.long_texts import encode_texts
from korscideberta.errors import DataError, ModelError
from korscideberta.inference import sigmoid
from korscideberta.metrics.multi_label import THRESHOLD
from korscideberta.model.config import DebertaV2Config
from korscideberta.nearest import nearest
from korscideberta.tasks import Task
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.training.kinds.kind import Stored
from korscideberta.training.kinds.sequence import TextKind, label_counts, learnt_labels
from korscideberta.training.losses import BinaryCrossEntropy
from korscideberta.training.settings import TrainSettings


class MultiLabelKind(TextKind):
    """Multi-label classification, by binary cross-entropy; a label holds where its probability is at least a half.

    Args:
        task: the task.
        labels: names of the labels.
        shares: share of the training examples that have each label; the baseline gives each label its share. Empty
            where it is not known.
    """

    answer = "[label for label, score in zip(model.config.id2label, logits[0].tolist()) if score >= 0]"

    def __init__(self, task: Task, labels: tuple[str, ...], shares: Sequence[float]) -> None:
        super().__init__(task, labels)
        self.shares = list(shares)
        self._index_of = {label: index for index, label in enumerate(labels)}

    @classmethod
    def learn(cls, task: Task, train: Sequence[Example], origin: str) -> MultiLabelKind:
        """Take the labels from the examples unless the task fixes them."""
        labels = task.labels or learnt_labels(train, origin)
        cls(task, labels, ()).check(train)
        return cls(task, labels, [count / len(train) for count in label_counts(train, labels)])

    def record(self) -> dict[str, Any]:
        """Labels and the share of the training examples that have them."""
        return {**super().record(), "train_label_shares": self.shares}

    @classmethod
    def restore(cls, task: Task, record: Mapping[str, Any]) -> MultiLabelKind:
        """The kind of a finished run."""
        return cls(task, tuple(record["labels"]), record["train_label_shares"])

    @classmethod
    def of_model(cls, task: Task, config: DebertaV2Config) -> MultiLabelKind:
        """The kind for a model with these labels."""
        return cls(task, config.id2label, ())

    @property
    def config_changes(self) -> dict[str, Any]:
        """The problem type."""
        return {"problem_type": "multi_label_classification"}

    @staticmethod
    def stratum(example: Example) -> str:
        """All labels together."""
        return "|".join(sorted(example.labels))

    def check(self, examples: Sequence[Example]) -> None:
        """Refuse an unknown label; an example may have none."""
        for example in examples:
            for label in example.labels:
                if label not in self._index_of:
                    raise DataError(f"{example.origin}: unknown label {label!r}; {nearest(label, self._index_of)}")

    def gold(self, example: Example) -> list[str]:
        """The labels; an empty list is an answer too."""
        return list(example.labels)

    def encode(
        self,
        examples: Sequence[Example],
        tokenizer: DebertaV2Tokenizer,
        limits: Limits,
        *,
        labelled: bool,
        cache: Path | None = None,
    ) -> SequenceFeatures:
        """A feature an example, several where it is read in windows; targets (B, C) are 1 where it has a label."""
        encoded = encode_texts(examples, tokenizer, None, limits, cache=cache)
        if not labelled:
            return SequenceFeatures(encoded)

        def targets(indices: Sequence[int]) -> Tensor:
            return torch.from_numpy(self._hot([examples[i].labels for i in indices]))

        return SequenceFeatures(encoded, targets)

    def objective(self, settings: TrainSettings) -> BinaryCrossEntropy:
        """Binary cross-entropy."""
        return BinaryCrossEntropy()

    def figures(self, examples: Sequence[Example], outputs: NDArray[np.float32], k: int) -> dict[str, float]:
        """The task's figures, those of the baseline, and the number of documents."""
        self.check(examples)
        gold_NC = self._hot([example.labels for example in examples])
        baseline = self.task.score(np.tile(self.shares, (len(examples), 1)), gold_NC) if self.shares else {}
        return {
            **self.task.score(sigmoid(outputs), gold_NC),
            **{f"majority_{name}": figure for name, figure in baseline.items()},
            "documents": len(examples),
        }

    def predictions(self, examples: Sequence[Example], outputs: NDArray[np.float32], k: int) -> list[dict[str, Any]]:
        """The labels that hold, likeliest first, with their probabilities."""
        return [
            {
                "labels": [
                    {"label": self.labels[i], "probability": round(float(share_C[i]), 6)}
                    for i in np.argsort(-share_C, kind="stable")
                    if share_C[i] >= THRESHOLD
                ]
            }
            for share_C in sigmoid(outputs)
        ]

    def shown(self, prediction: Mapping[str, Any]) -> list[str]:
        """A line a label."""
        lines = [f"{one['probability']:6.1%}  {self.task.display(one['label'])}" for one in prediction["labels"]]
        return lines or ["no label"]

    def stored(self, path: Path) -> Stored:
        """Read a run's JSON Lines file."""
        try:
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            predicted_NC = self._hot([[one["label"] for one in row["labels"]] for row in rows])
            gold_NC = self._hot([row["gold"] for row in rows])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path}: not the predictions of this run ({error}); train again") from None
        return Stored(len(rows), lambda indices: self.task.score(predicted_NC[indices], gold_NC[indices]))

    def _hot(self, labels: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        hot_NC = np.zeros((len(labels), len(self.labels)), dtype=np.float32)
        for row, names in enumerate(labels):
            hot_NC[row, [self._index_of[name] for name in names]] = 1.0
        return hot_NC
