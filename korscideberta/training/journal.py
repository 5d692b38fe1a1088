"""What a run says while it goes: `metrics.jsonl` and a progress bar."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tqdm import tqdm

from korscideberta.files import replacing

logger = logging.getLogger(__name__)


class Journal:
    """Appends records to `metrics.jsonl` and moves a progress bar with loss, learning rate and tokens a second.

    Opening it for a run that goes on from `start_step` drops the records written after that step.
    """

    def __init__(self, path: Path, *, start_step: int, total_steps: int) -> None:
        kept = [record for record in _read(path) if record["step"] <= start_step]
        with replacing(path) as temporary:
            temporary.write_text("".join(_line(record) for record in kept), encoding="utf-8")
        self._stream = path.open("a", encoding="utf-8")
        self._bar = tqdm(total=total_steps, initial=start_step, desc="train", unit=" steps", disable=None)
        self._tokens = 0
        self._losses: list[float] = []
        self._since = time.perf_counter()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
        self._stream.close()

    def step(self, loss: float, tokens: int) -> None:
        """Count one optimizer step."""
        self._losses.append(loss)
        self._tokens += tokens
        self._bar.update()

    def log_training(self, step: int, epoch: float, learning_rate: float) -> None:
        """Write the mean loss and the speed since the last such record, and show them in the bar."""
        seconds = time.perf_counter() - self._since
        loss = sum(self._losses) / len(self._losses)
        speed = self._tokens / seconds
        self._write(
            {
                "step": step,
                "epoch": round(epoch, 4),
                "loss": loss,
                "learning_rate": learning_rate,
                "tokens_per_second": round(speed, 1),
            }
        )
        self._bar.set_postfix_str(f"loss {loss:.4f}, lr {learning_rate:.2e}, {speed:,.0f} tokens/s")
        self._losses, self._tokens, self._since = [], 0, time.perf_counter()

    def log_evaluation(self, step: int, split: str, figures: Mapping[str, float], metric: str) -> None:
        """Write the figures of a split and announce the main one."""
        self._write({"step": step, "split": split, **figures})
        with tqdm.external_write_mode():
            logger.info("step %d: %s %s %.4f", step, split, metric, figures[metric])
        self._since = time.perf_counter()

    def _write(self, record: Mapping[str, Any]) -> None:
        self._stream.write(_line(record))
        self._stream.flush()


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
