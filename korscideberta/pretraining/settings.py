"""Hyper-parameters of pretraining."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from korscideberta.errors import ConfigError
from korscideberta.nearest import nearest
from korscideberta.pretraining.masking import Masking
from korscideberta.pretraining.rows import LAYOUTS
from korscideberta.training.schedule import SCHEDULES, warmup_steps
from korscideberta.training.settings import TrainSettings

WITHOUT_EFFECT = ("log_every", "save_every", "keep_last", "tensorboard", "eval_batch_size")
"""Settings that may change when a run is resumed: they do not touch its result."""

_ABOVE_ZERO = (
    "max_steps", "batch_size", "accumulate", "eval_batch_size", "eval_rows", "max_length", "learning_rate", "log_every",
    "keep_last",
)  # fmt: skip
_NOT_NEGATIVE = (
    "seed", "schedule_end", "warmup", "weight_decay", "max_grad_norm", "eval_every", "save_every",
    "sentence_order",
)  # fmt: skip
_EVALUATIONS = 20


@dataclass(frozen=True, kw_only=True)
class PretrainSettings:
    """What fixes a run besides its corpus and model. The command line's options have the same names."""

    max_steps: int = 1_000_000
    batch_size: int = 256
    """Rows an update."""
    accumulate: int = 1
    """Parts an update's batch is processed in; the update is the same, the memory less."""
    eval_batch_size: int = 32
    max_length: int = 512
    """Tokens of a row, [CLS] and [SEP] included."""
    rows: str = "packed"
    precision: str = "float32"
    gradient_checkpointing: bool = False
    seed: int = 42

    mask_share: float = 0.15
    max_ngram: int = 3
    mask_unit: str = "auto"
    sentence_order: float = 0.0
    """Factor on the loss of sentence-order prediction; 0 leaves it out."""

    learning_rate: float = 1e-4
    schedule: str = "linear"
    schedule_end: float = 0.0
    warmup: float = 0.05
    """Warm-up steps; below 1, a share of all steps."""
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    """0 turns clipping off."""

    eval_every: int = 0
    """Steps between evaluations; 0 is a twentieth of the run."""
    eval_rows: int = 1000
    """Most rows to validate on."""
    save_every: int = 0
    """Steps between checkpoints besides those after evaluations; 0 means none."""
    keep_last: int = 2
    log_every: int = 50
    tensorboard: bool = False

    def __post_init__(self) -> None:
        for name in _ABOVE_ZERO:
            if not getattr(self, name) > 0:
                raise ConfigError(f"{_option(name)} {getattr(self, name)}: must be above 0")
        for name in _NOT_NEGATIVE:
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{_option(name)} {getattr(self, name)}: must not be negative")
        if self.schedule_end > 1:
            raise ConfigError(f"--schedule-end {self.schedule_end}: must not be above 1")
        if self.max_length < 8:
            raise ConfigError(f"--max-length {self.max_length}: too short to learn from; give at least 8")
        if self.accumulate > self.batch_size:
            raise ConfigError(f"--accumulate {self.accumulate}: more parts than --batch-size {self.batch_size} rows")
        for name, known in (("schedule", tuple(SCHEDULES)), ("rows", LAYOUTS)):
            if getattr(self, name) not in known:
                raise ConfigError(f"{_option(name)} {getattr(self, name)}: {nearest(getattr(self, name), known)}")
        _ = self.masking

    @property
    def masking(self) -> Masking:
        """What is masked, and how."""
        return Masking(share=self.mask_share, max_ngram=self.max_ngram, unit=self.mask_unit)

    def optimizer(self, learning_rate: float | None = None) -> TrainSettings:
        """The settings of an optimizer, at another rate where one is given."""
        return TrainSettings(learning_rate=learning_rate or self.learning_rate, weight_decay=self.weight_decay)

    def factor(self, step: int) -> float:
        """The factor on the learning rates of the step with that number (from 0)."""
        warmup = warmup_steps(self.warmup, self.max_steps)
        return SCHEDULES[self.schedule](step, self.max_steps, warmup, self.schedule_end)

    def evaluates_after(self, step: int) -> bool:
        """Whether the model is validated, and written, once that many steps are done."""
        every = self.eval_every or -(-self.max_steps // _EVALUATIONS)
        return step % every == 0 or step == self.max_steps

    def logs_after(self, step: int) -> bool:
        """Whether a training record is written once that many steps are done."""
        return step % self.log_every == 0 or self.evaluates_after(step)

    def saves_after(self, step: int) -> bool:
        """Whether a checkpoint is written once that many steps are done."""
        return self.evaluates_after(step) or (bool(self.save_every) and step % self.save_every == 0)

    @property
    def row_width(self) -> int:
        """Tokens of a row without special ones."""
        return self.max_length - (3 if self.sentence_order else 2)


def with_effect(settings: dict[str, Any]) -> dict[str, Any]:
    """Those settings that decide the result."""
    return {name: value for name, value in settings.items() if name not in WITHOUT_EFFECT}


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
