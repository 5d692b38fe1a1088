"""What a run says while it goes: `metrics.jsonl`, a progress bar or, without a terminal, a line now and then."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from io import FileIO
from pathlib import Path
from typing import Any, NoReturn

import torch
from tqdm import tqdm

from korscideberta.errors import DataError
from korscideberta.files import replacing
from korscideberta.training.memory import peak_memory
from korscideberta.training.tensorboard import TensorBoard

logger = logging.getLogger(__name__)

_REMEDY = "make room and go on with --resume"
_LINES = 20
"""Lines without a terminal: one every 5 % of the steps, where evaluations are rarer."""


class Journal:
    """Appends records to `metrics.jsonl`, and to TensorBoard, and shows progress, while `recording`.

    Args:
        path: the file.
        total_steps: steps of the whole run.
        device: whose peak memory is reported.
        tensorboard: folder of TensorBoard files; None writes none.
    """

    _stream: FileIO
    _bar: tqdm[NoReturn]

    def __init__(self, path: Path, *, total_steps: int, device: torch.device, tensorboard: Path | None = None) -> None:
        self._path = path
        self._total = total_steps
        self._device = device
        self._folder = tensorboard
        self._board: TensorBoard | None = None
        self._loss_sum, self._losses, self._tokens = 0.0, 0, 0

    @contextmanager
    def recording(self, start_step: int) -> Iterator[None]:
        """Open the files for a run that has done that many steps; records of later ones are dropped."""
        kept = [record for record in _read(self._path) if record["step"] <= start_step]
        with replacing(self._path) as temporary:
            temporary.write_text("".join(_line(record) for record in kept), encoding="utf-8")
        self._start = self._step = self._shown = start_step
        self._began = self._since = time.perf_counter()
        with ExitStack() as stack:
            self._stream = stack.enter_context(self._path.open("ab", buffering=0))
            if self._folder is not None:
                self._board = stack.enter_context(closing(TensorBoard(self._folder, start_step)))
            self._bar = stack.enter_context(
                tqdm(total=self._total, initial=start_step, desc="train", unit=" steps", disable=None)
            )
            yield

    def state_dict(self) -> dict[str, Any]:
        """Return the losses since the last record, so that the next one is the same after a resume."""
        return {"loss_sum": self._loss_sum, "losses": self._losses}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._loss_sum, self._losses = state["loss_sum"], state["losses"]

    def step(self, loss: float, tokens: int, learning_rate: float) -> None:
        """Count one optimizer step."""
        self._step += 1
        self._loss_sum += loss
        self._losses += 1
        self._tokens += tokens
        self._bar.update()
        if self._bar.disable and self._step - self._shown >= math.ceil(self._total / _LINES):
            self._show(
                f"step {self._step:,} of {self._total:,} ({self._step / self._total:.0%}): "
                f"loss {self._mean_loss():.4f}, lr {learning_rate:.2e}, {self._speed():,.0f} tokens/s, "
                f"{_gigabytes(peak_memory(self._device))}, {_duration(self._seconds_left())} left"
            )

    def log_training(self, epoch: float, learning_rate: float) -> None:
        """Write the mean loss, the speed and the peak memory since the last such record, and show them in the bar."""
        speed, memory = self._speed(), peak_memory(self._device)
        record = {
            "epoch": round(epoch, 4),
            "loss": self._mean_loss(),
            "learning_rate": learning_rate,
            "tokens_per_second": round(speed, 1),
            "seconds_left": round(self._seconds_left(), 1),
            "peak_memory_bytes": memory,
        }
        self._write("train", {"step": self._step, **record})
        self._bar.set_postfix_str(
            f"loss {record['loss']:.4f}, lr {learning_rate:.2e}, {speed:,.0f} tokens/s, {_gigabytes(memory)}"
        )
        self._loss_sum, self._losses, self._tokens, self._since = 0.0, 0, 0, time.perf_counter()

    def log_evaluation(self, split: str, figures: Mapping[str, float], metric: str, *, best: bool) -> None:
        """Write the figures of a split and announce the main one."""
        self._write(split, {"step": self._step, "split": split, **figures})
        self._show(
            f"step {self._step:,} of {self._total:,}: {split} {metric} {figures[metric]:.4f}{' (best)' if best else ''}"
        )
        self._since = time.perf_counter()

    def _show(self, line: str) -> None:
        self._shown = self._step
        with tqdm.external_write_mode():
            logger.info("%s", line)

    def _mean_loss(self) -> float:
        return self._loss_sum / max(1, self._losses)

    def _speed(self) -> float:
        return self._tokens / (time.perf_counter() - self._since)

    def _seconds_left(self) -> float:
        return (time.perf_counter() - self._began) / max(1, self._step - self._start) * (self._total - self._step)

    def _write(self, group: str, record: Mapping[str, Any]) -> None:
        line = _line(record).encode()
        try:
            while line:
                line = line[self._stream.write(line) :]
        except OSError as error:
            raise DataError(f"{self._path}: cannot be written ({error.strerror}); {_REMEDY}") from None
        if self._board is not None:
            self._board.write(group, self._step, record)


class SilentJournal(Journal):
    """The journal of a process that leaves writing and speaking to the main one."""

    def __init__(self) -> None:
        self._loss_sum, self._losses = 0.0, 0

    @contextmanager
    def recording(self, start_step: int) -> Iterator[None]:
        """Open nothing."""
        yield

    def step(self, loss: float, tokens: int, learning_rate: float) -> None:
        """Count nothing."""

    def log_training(self, epoch: float, learning_rate: float) -> None:
        """Write nothing."""

    def log_evaluation(self, split: str, figures: Mapping[str, float], metric: str, *, best: bool) -> None:
        """Write nothing."""


def _duration(seconds: float) -> str:
    minutes, hours = seconds / 60, seconds / 3600
    return f"{hours:.1f} h" if hours >= 1 else f"{minutes:.0f} min" if minutes >= 1 else f"{seconds:.0f} s"


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    records = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            break  # a line that the kill cut short is the last one
    return records
