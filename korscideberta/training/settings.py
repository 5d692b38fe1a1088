"""Hyper-parameters of a fine-tuning run."""

from __future__ import annotations

from dataclasses import dataclass

from korscideberta.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """What fixes a run besides its data, model and tokenizer. The command line's options have the same names."""

    epochs: int = 3
    batch_size: int = 32
    eval_batch_size: int = 64
    learning_rate: float = 2e-5
    warmup: float = 0.1
    """Warm-up steps; below 1, a share of all steps."""
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    """0 turns clipping off."""
    precision: str = "float32"
    seed: int = 42
    eval_every: int = 0
    """Steps between evaluations; 0 means after every epoch."""
    log_every: int = 50
    top_k: int = 3
    sift_lambda: float = 0.0
    """Weight of the adversarial loss; 0 turns SiFT off."""
    sift_lr: float = 1e-4
    sift_init: float = 1e-2

    def __post_init__(self) -> None:
        positive = ("epochs", "batch_size", "eval_batch_size", "learning_rate", "log_every", "top_k")
        for name in positive:
            if getattr(self, name) <= 0:
                raise ConfigError(f"--{name.replace('_', '-')} {getattr(self, name)}: must be above 0")
        for name in ("warmup", "weight_decay", "max_grad_norm", "eval_every", "sift_lambda", "seed"):
            if getattr(self, name) < 0:
                raise ConfigError(f"--{name.replace('_', '-')} {getattr(self, name)}: must not be negative")
