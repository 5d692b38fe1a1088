"""State of a run in one file, from which it goes on to the same result."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from korscideberta.errors import ModelError
from korscideberta.files import replacing


@dataclass
class TrainingState:
    """Everything a run's future depends on besides its settings and data."""

    step: int
    """Optimizer steps done."""
    best_metric: float | None
    """The best dev figure so far; None before the first evaluation."""
    model: dict[str, Any]
    optimizer: dict[str, Any]
    scaler: dict[str, Any]
    cpu_rng: torch.Tensor
    cuda_rng: list[torch.Tensor]


def save_state(path: Path, state: TrainingState) -> None:
    """Write the state to a temporary name, flush it to disk, then rename it."""
    with replacing(path) as temporary, temporary.open("wb") as stream:
        torch.save(asdict(state), stream)
        stream.flush()
        os.fsync(stream.fileno())


def load_state(path: Path) -> TrainingState:
    """Read a state back.

    Raises:
        ModelError: the file is damaged.
    """
    try:
        return TrainingState(**torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # torch.load raises many kinds for a damaged file
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{path}: damaged checkpoint ({reason}); start anew with --overwrite") from None
