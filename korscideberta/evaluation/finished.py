"""A finished run, loaded for evaluation and prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from korscideberta.data.encoding import encode_examples, label_indices
from korscideberta.data.examples import Columns, Example
from korscideberta.errors import ConfigError, ModelError
from korscideberta.inference import predict_logits
from korscideberta.metrics.summary import summarise
from korscideberta.model.checkpoints import require_trained
from korscideberta.model.heads import DebertaV2ForSequenceClassification
from korscideberta.run import RunDirectory
from korscideberta.tasks import Task, get
from korscideberta.tokenization.fingerprint import refuse_difference
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer


@dataclass(frozen=True)
class FinishedRun:
    """Model, tokenizer, task and settings of a run directory."""

    directory: RunDirectory
    record: dict[str, Any]
    task: Task
    tokenizer: DebertaV2Tokenizer
    model: DebertaV2ForSequenceClassification
    precision: str

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        device: torch.device,
        precision: str,
        user_dictionary: Path | None = None,
        allow_tokenizer_mismatch: bool = False,
    ) -> FinishedRun:
        """Load a run directory.

        Args:
            path: the run directory.
            device: where the model is to run.
            precision: `float32`, `bf16` or `fp16`.
            user_dictionary: where this machine has the user dictionary of the tokenizer; None is where it was.
            allow_tokenizer_mismatch: warn where the tokenizer gives other ids here than in training, do not refuse.

        Raises:
            ModelError: there is no run, no trained model in it yet, a file is missing or damaged, or the tokenizer is
                not the one the model was trained with.
        """
        directory = RunDirectory(path)
        record = directory.read_settings()
        if "seeds" in record:
            raise ModelError(f"{path}: holds runs with several seeds; name one, as {path}/seed-{record['seeds'][0]}")
        try:
            task = get(record["task"])
            record["labels"], record["train_label_counts"], record["max_length"], record["columns"], record["data"]
        except KeyError as error:
            raise ModelError(f"{directory.settings_file}: no {error.args[0]!r}; train again") from None
        if not (directory.model / "tokenizer_config.json").is_file():
            raise ModelError(f"{directory.model / 'tokenizer_config.json'}: no such file; train again")
        tokenizer = DebertaV2Tokenizer.from_pretrained(
            directory.model, user_dictionary=user_dictionary, allow_mismatch=allow_tokenizer_mismatch
        )
        if "tokenizer" not in record:
            raise ModelError(f"{directory.settings_file}: no 'tokenizer'; train again")
        refuse_difference(
            record["tokenizer"], tokenizer.fingerprint(), owner=str(path), allowed=allow_tokenizer_mismatch
        )
        model = DebertaV2ForSequenceClassification.from_pretrained(directory.model)
        require_trained(model, model.load_report, directory.model)
        model.to(device)
        if list(model.config.id2label) != record["labels"]:
            raise ModelError(f"{directory.model}: its labels are not those of {directory.settings_file}; train again")
        return cls(directory, record, task, tokenizer, model, precision)

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names in the order of the logits."""
        return self.model.config.id2label

    @property
    def columns(self) -> Columns | None:
        """The columns the run was trained on; None are the task's own."""
        columns = self.record["columns"]
        return columns and Columns(**{**columns, "text": tuple(columns["text"])})

    def files(self, split: str) -> tuple[Path, ...]:
        """The files the run read for a split.

        Raises:
            ConfigError: the run had no such split.
        """
        if split not in self.record["data"]:
            raise ConfigError(f"--split {split}: the run has no such split; give --data FILE")
        return tuple(Path(entry["file"]) for entry in self.record["data"][split])

    def check_top_k(self, k: int) -> None:
        """Raise ConfigError unless 1 ≤ k ≤ number of labels."""
        if not 1 <= k <= len(self.labels):
            raise ConfigError(f"--top-k {k}: must lie between 1 and the number of labels, {len(self.labels)}")

    def logits(self, examples: Sequence[Example], batch_size: int, progress: str | None) -> NDArray[np.float32]:
        """Return (N, C) logits in the order of the examples."""
        encoded = encode_examples(examples, self.tokenizer, None, self.record["max_length"])
        return predict_logits(
            self.model,
            encoded,
            batch_size=batch_size,
            precision=self.precision,
            progress=progress,
        )

    def figures(self, examples: Sequence[Example], scores: NDArray[Any], k: int) -> dict[str, float]:
        """Score (N, C) scores against the gold labels of the examples.

        Raises:
            DataError: an example has no label or one the model does not know.
        """
        index_of = {label: index for index, label in enumerate(self.labels)}
        gold = [label_indices(example, index_of) for example in examples]
        return summarise(self.task.score, scores, gold, k, self.record["train_label_counts"])
