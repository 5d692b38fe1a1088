"""Figures for TensorBoard, whose package is an optional one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from korscideberta.errors import DependencyError


def check_tensorboard() -> None:
    """Raise DependencyError, naming the command that installs it, unless TensorBoard can be written."""
    try:
        import torch.utils.tensorboard  # noqa: F401
    except ImportError:
        raise DependencyError(
            "--tensorboard needs the package tensorboard; run: pip install 'korscideberta[tensorboard]'"
        ) from None


class TensorBoard:
    """Writes the numbers of journal records under a folder; goes on after `start_step` where there are some already."""

    def __init__(self, folder: Path, start_step: int) -> None:
        check_tensorboard()
        from torch.utils.tensorboard import SummaryWriter

        # Events of later steps, which a killed run has written beyond its checkpoint, are hidden.
        self._writer: Any = SummaryWriter(str(folder), purge_step=start_step + 1)

    def write(self, group: str, step: int, figures: Mapping[str, Any]) -> None:
        """Write every number of a record as GROUP/NAME."""
        for name, value in figures.items():
            if isinstance(value, (int, float)) and name != "step":
                self._writer.add_scalar(f"{group}/{name}", value, step)

    def close(self) -> None:
        """Flush and close the file."""
        self._writer.close()
