"""A finished run, loaded for evaluation and prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from korscideberta.data.examples import BaseExample, Columns
from korscideberta.data.features import Limits
from korscideberta.errors import ConfigError, ModelError
from korscideberta.evaluation.cpu_precision import settle
from korscideberta.model.checkpoints import require_trained
from korscideberta.model.encoder import PretrainedModel
from korscideberta.run import RunDirectory
from korscideberta.tasks import Task, task_of
from korscideberta.tokenization.fingerprint import refuse_difference
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.training.kinds import Kind, kind_of


@dataclass(frozen=True)
class FinishedRun:
    """Model, tokenizer, task, kind of head and settings of a run directory."""

    directory: RunDirectory
    record: dict[str, Any]
    task: Task
    kind: Kind[Any, Any]
    tokenizer: DebertaV2Tokenizer
    model: PretrainedModel
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
            precision: one of `INFERENCE_PRECISIONS`; see `cpu_precision.settle`.
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
            task = task_of(record)
            kind = kind_of(task).restore(task, record)
            record["labels"], record["max_length"], record["columns"], record["data"], record["model"]
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
        model = kind.model.from_pretrained(directory.model)
        require_trained(model, model.load_report, directory.model)
        model.to(device)
        if model.config.id2label != kind.model_labels:
            raise ModelError(f"{directory.model}: its labels are not those of {directory.settings_file}; train again")
        model, precision = settle(model, tokenizer, precision, device)
        return cls(directory, record, task, kind, tokenizer, model, precision)

    @classmethod
    def of_model(
        cls,
        source: str,
        task: Task,
        *,
        columns: Columns | None,
        max_length: int | None,
        long: str | None = None,
        doc_stride: int | None = None,
        device: torch.device,
        precision: str,
        user_dictionary: Path | None = None,
        allow_tokenizer_mismatch: bool = False,
    ) -> FinishedRun:
        """Load a fine-tuned model of which no run is known, such as one from the hub; arguments as in `load`.

        Args:
            source: a folder with `config.json`, or a hub repository.
            task: what it was trained for.
            columns: the columns to read; None are the task's own.
            max_length: limit in tokens; None is the task's default.
            long: what becomes of longer texts, as in `Limits`; None is its default.
            doc_stride: how far windows move on, as in `Limits`; None is its default.

        Raises:
            ConfigError: a model for this kind of task is scored from its run alone, or judges no texts as a whole.
            ModelError: it is no model for the task.
        """
        model = kind_of(task).model.from_pretrained(source)
        labels = model.config.id2label
        kind = kind_of(task).of_model(task, model.config)
        labels, wanted = (kind.labels, task.labels) if task.labels and kind.labels else (labels, kind.model_labels)
        if set(labels) != set(wanted):
            raise ModelError(
                f"--model {source}: its labels are {', '.join(labels)}; those of {task.name} are {', '.join(wanted)}"
            )
        require_trained(model, model.load_report, source)
        tokenizer = DebertaV2Tokenizer.from_pretrained(
            source, user_dictionary=user_dictionary, allow_mismatch=allow_tokenizer_mismatch
        )
        reading = {name: value for name, value in (("long", long), ("doc_stride", doc_stride)) if value is not None}
        if reading and not kind.reads_whole:
            raise ConfigError(f"--{next(iter(reading)).replace('_', '-')}: {task.name} judges no texts as a whole")
        limit = min(max_length or task.max_length, model.config.max_position_embeddings)
        record = {"columns": columns and asdict(columns), "data": {}, "max_length": limit, "model": reading}
        model, precision = settle(model.to(device), tokenizer, precision, device)
        return cls(RunDirectory(Path(source)), record, task, kind, tokenizer, model, precision)

    @property
    def columns(self) -> Columns | None:
        """The columns the run was trained on; None are the task's own."""
        columns = self.record["columns"]
        return columns and Columns(**{**columns, "text": tuple(columns["text"])})

    @property
    def reads_pairs(self) -> bool:
        """Whether an example is a pair of texts."""
        return self.task.pair or bool(self.columns and self.columns.text_pair)

    @property
    def stored_in_8_bits(self) -> bool:
        """Whether the weights were read in 8 bits, so that float32's are not to be had."""
        return any(name.endswith(".weight_scale") for name in self.model.load_report.loaded)

    def files(self, split: str) -> tuple[Path, ...]:
        """The files the run read for a split.

        Raises:
            ConfigError: the run had no such split.
        """
        if split not in self.record["data"]:
            raise ConfigError(f"--split {split}: the run has no such split; give --data FILE")
        return tuple(Path(entry["file"]) for entry in self.record["data"][split])

    @property
    def limits(self) -> Limits:
        """How examples are cut."""
        return Limits(
            max_length=self.record["max_length"],
            long=self.record["model"].get("long", Limits.long),
            doc_stride=self.record["model"].get("doc_stride", Limits.doc_stride),
            max_answer_length=self.record["model"].get("max_answer_length", Limits.max_answer_length),
        )

    def outputs(self, examples: Sequence[BaseExample], batch_size: int, progress: str | None) -> Any:
        """Run the model on examples, whose gold answers are not looked at."""
        features = self.kind.encode(examples, self.tokenizer, self.limits, labelled=False)
        return self.kind.outputs(
            self.model, features, batch_size=batch_size, precision=self.precision, progress=progress
        )
