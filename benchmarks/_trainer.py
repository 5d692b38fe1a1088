"""The peer of benchmarks/training.py: an epoch of transformers' Trainer."""

from __future__ import annotations

import tempfile
from typing import Any

import torch
import transformers

from korscideberta.training.settings import TrainSettings


class Recorder(transformers.Trainer):
    """A Trainer that keeps the loss of every step and, where `ordered`, takes the examples in their order."""

    ordered = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.losses: list[float] = []

    def compute_loss(self, *arguments: Any, **options: Any) -> Any:
        """As in the Trainer."""
        result = super().compute_loss(*arguments, **options)
        self.losses.append(float((result[0] if isinstance(result, tuple) else result).detach()))
        return result

    def _get_train_sampler(self, *arguments: Any) -> Any:
        if self.ordered:
            return torch.utils.data.SequentialSampler(self.train_dataset)  # type: ignore[arg-type]
        return super()._get_train_sampler(*arguments)


def train_epoch(
    model: Any, rows: list[dict[str, Any]], settings: TrainSettings, tokenizer: Any, *, ordered: bool = False
) -> list[float]:
    """Train one epoch and return the losses; `rows` have input_ids and labels."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = Recorder(
            model=model,
            args=transformers.TrainingArguments(
                output_dir=folder,
                per_device_train_batch_size=settings.batch_size,
                num_train_epochs=1,
                learning_rate=settings.learning_rate,
                weight_decay=settings.weight_decay,
                adam_epsilon=1e-6,
                bf16=settings.precision == "bf16",
                seed=settings.seed,
                use_cpu=True,
                save_strategy="no",
                logging_strategy="no",
                report_to=[],
                disable_tqdm=True,
            ),
            train_dataset=rows,
            processing_class=tokenizer,
        )
        trainer.ordered = ordered
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
    return trainer.losses
