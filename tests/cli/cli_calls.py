"""Calling the program as the shell would, and a small table to call it on."""

from __future__ import annotations

import contextlib
import io
import logging
from pathlib import Path
from typing import NamedTuple

from korscideberta.commands import main

TOPICS = {
    "과학": "실험 결과 입자의 에너지가 증가하였다",
    "경제": "시장 금리가 올라 수출 기업이 어렵다",
    "체육": "선수들이 경기에서 득점하고 우승했다",
}
TINY = ["--model", "nano", "--epochs", "1", "--vocab-size", "300", "--max-length", "16", "--device", "cpu"]


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


def call(*arguments: object) -> Outcome:
    """Run `korsci ARGUMENTS…` in this process."""
    out, err = io.StringIO(), io.StringIO()
    logging.getLogger().handlers.clear()  # so that logging goes to this call's standard error
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(argument) for argument in arguments])
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
    return Outcome(code, out.getvalue(), err.getvalue())


def write_table(path: Path, rows: int = 24) -> Path:
    """Write a CSV of three topics with the columns 제목 and 분야."""
    lines = ["제목,분야"]
    for number in range(rows):
        label = list(TOPICS)[number % 3]
        lines.append(f"{TOPICS[label]} {number},{label}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
