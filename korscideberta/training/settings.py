"""Hyper-parameters of a fine-tuning run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from korscideberta.errors import ConfigError
from korscideberta.nearest import nearest
from korscideberta.training.schedule import SCHEDULES

SHARDINGS = ("none", "optimizer", "full")
TARGETS = ("primary", "uniform", "rank", "multi-label")
LOSSES = ("cross-entropy", "focal", "logit-adjusted")
WITHOUT_EFFECT = ("log_every", "save_every", "keep_last", "tensorboard")
"""Settings that may change when a run is resumed: they do not touch its result."""

_ABOVE_ZERO = (
    "epochs", "max_steps", "batch_size", "batch_tokens", "eval_batch_size", "accumulate", "learning_rate",
    "head_learning_rate", "layer_decay", "logit_tau", "log_every", "keep_last", "top_k",
)  # fmt: skip
_NOT_NEGATIVE = (
    "warmup", "schedule_end", "weight_decay", "max_grad_norm", "label_smoothing", "focal_gamma", "sift_lambda",
    "sift_lr", "sift_init", "seed", "eval_every", "save_every", "patience",
)  # fmt: skip
_AT_MOST_ONE = ("schedule_end", "layer_decay")


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """What fixes a run besides its data, model and tokenizer. The command line's options have the same names."""

    epochs: int = 3
    max_steps: int | None = None
    """Updates after which the run ends even if its epochs do not; the schedule is laid out for them."""
    batch_size: int = 32
    """Examples an update."""
    batch_tokens: int | None = None
    """Tokens an update at most, in place of `batch_size` examples."""
    accumulate: int = 1
    """Parts an update's batch is processed in; the update is the same, the memory less."""
    eval_batch_size: int = 64
    precision: str = "float32"
    gradient_checkpointing: bool = False
    """Compute the activations of every layer again for the backward pass instead of keeping them."""
    sharding: str = "none"
    """What processes share out instead of holding all of it each: `none`, `optimizer` or `full`, the model too."""
    seed: int = 42

    learning_rate: float = 2e-5
    head_learning_rate: float | None = None
    """Rate of everything above the encoder; None is `learning_rate`."""
    layer_decay: float = 1.0
    """Factor on the rate from each layer to the one below it."""
    freeze: str | None = None
    """`embeddings`, or a number of layers that stay as they are together with the embeddings."""
    schedule: str = "linear"
    schedule_end: float = 0.0
    """Share of the rate that the schedule ends at."""
    warmup: float = 0.1
    """Warm-up steps; below 1, a share of all steps."""
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    """0 turns clipping off."""

    loss: str = "cross-entropy"
    focal_gamma: float = 2.0
    logit_tau: float = 1.0
    label_smoothing: float = 0.0
    class_weights: str | None = None
    """`balanced`, or a file of labels and weights."""
    targets: str = "uniform"
    """What several gold labels of an example are to training: `primary`, the first alone; `uniform`, equal shares;
    `rank`, shares of 1, 1/2, 1/3 … of the first; `multi-label`, each to be found by itself."""
    sift_lambda: float = 0.0
    """Weight of the adversarial loss; 0 turns SiFT off."""
    sift_lr: float = 1e-4
    sift_init: float = 1e-2

    eval_every: int = 0
    """Steps between evaluations; 0 means after every epoch."""
    patience: int = 0
    """Evaluations without a better figure after which training ends; 0 means never."""
    save_every: int = 0
    """Steps between checkpoints besides those after evaluations; 0 means none."""
    keep_last: int = 2
    """Checkpoints kept."""
    log_every: int = 50
    tensorboard: bool = False
    top_k: int = 3

    def __post_init__(self) -> None:
        for name in _ABOVE_ZERO:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"{_option(name)} {value}: must be above 0")
        for name in _NOT_NEGATIVE:
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{_option(name)} {getattr(self, name)}: must not be negative")
        for name in _AT_MOST_ONE:
            if getattr(self, name) > 1:
                raise ConfigError(f"{_option(name)} {getattr(self, name)}: must not be above 1")
        if self.label_smoothing >= 1:
            raise ConfigError(f"--label-smoothing {self.label_smoothing}: must be below 1")
        if self.batch_tokens is None and self.accumulate > self.batch_size:
            raise ConfigError(
                f"--accumulate {self.accumulate}: more parts than --batch-size {self.batch_size} examples"
            )
        for name, known in (
            ("schedule", tuple(SCHEDULES)),
            ("loss", LOSSES),
            ("targets", TARGETS),
            ("sharding", SHARDINGS),
        ):
            if getattr(self, name) not in known:
                raise ConfigError(f"{_option(name)} {getattr(self, name)}: {nearest(getattr(self, name), known)}")
        self.frozen_layers()
        if self.class_weights not in (None, "balanced") and not Path(self.class_weights).is_file():
            raise ConfigError(f"--class-weights {self.class_weights}: neither 'balanced' nor a file")

    def frozen_layers(self) -> int | None:
        """Return how many layers stay as they are besides the embeddings; None when nothing is frozen.

        Raises:
            ConfigError: `freeze` is neither `embeddings` nor a number of layers.
        """
        if self.freeze is None:
            return None
        if self.freeze == "embeddings":
            return 0
        if not self.freeze.isdecimal():
            raise ConfigError(f"--freeze {self.freeze}: give 'embeddings' or a number of layers")
        return int(self.freeze)


def comparable(settings: Mapping[str, Any], *, without: Sequence[str] = ()) -> dict[str, Any]:
    """Return recorded settings that decide a result, those that are newer than the record at their defaults."""
    known = {**asdict(TrainSettings()), **settings}
    return {name: value for name, value in known.items() if name not in (*WITHOUT_EFFECT, *without)}


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
