"""SentencePiece's trainer in a process of its own: it can be stopped, gives its memory back and says how far it is."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from korscideberta.errors import KorsciError
from korscideberta.tokenization.trainer import run_trainer

_STDERR = 2
_STAGES = (
    (re.compile(r"Merged: .*merges=(\d+)"), "{:,} pieces merged"),
    (re.compile(r"EM sub_iter=\d+ size=(\d+)"), "{:,} candidate pieces left"),
    (re.compile(r"Loaded all (\d+) sentences"), "{:,} lines loaded"),
    (re.compile(r"Alphabet size=(\d+)"), "{:,} characters to cover"),
)


def train_apart(
    lines: Iterable[str], options: dict[str, Any], progress: Callable[[str], None] = lambda stage: None
) -> bytes:
    """What `run_trainer` returns, from another process; `lines` is pickled, or inherited where processes are forked.

    `progress` is called every second with the stage that was last reported, "" before the first.

    Raises RuntimeError with SentencePiece's message, KorsciError where the process dies.
    """
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(lines, options, theirs, ours), daemon=True)
    process.start()
    theirs.close()
    stage, last = "", deque[str](maxlen=3)
    try:
        while True:
            progress(stage)
            if not ours.poll(1.0):
                continue
            try:
                kind, content = ours.recv()
            except (EOFError, OSError):
                process.join(10)
                raise KorsciError(
                    f"SentencePiece's trainer died (exit code {process.exitcode}), perhaps for lack of memory: lower "
                    f"max_lines; it last said: {' / '.join(last) or 'nothing'}"
                ) from None
            if kind == "model":
                return bytes(content)
            if kind == "error":
                raise content
            last.append(content.strip())
            stage = _stage(content) or stage
    finally:
        process.terminate()
        process.join()


def _stage(line: str) -> str | None:
    for pattern, text in _STAGES:
        if match := pattern.search(line):
            return text.format(int(match[1]))
    return None


def _serve(lines: Iterable[str], options: dict[str, Any], connection: Connection, parents: Connection) -> None:
    # Ctrl-C reaches every process of the terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parents.close()
    threading.Thread(target=_die_with_parent, daemon=True).start()
    reports, stderr = os.pipe()
    os.dup2(stderr, _STDERR)
    os.close(stderr)
    passing_on = threading.Thread(target=_pass_on, args=(reports, connection), daemon=True)
    passing_on.start()
    try:
        answer: tuple[str, Any] = "model", run_trainer(lines, {**options, "minloglevel": 0})
    except Exception as error:
        answer = "error", error
    # The last report comes before the answer: with its only writer closed, the pipe ends.
    os.close(_STDERR)
    passing_on.join()
    with suppress(OSError):
        connection.send(answer)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _pass_on(reports: int, connection: Connection) -> None:
    with open(reports, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            with suppress(OSError):
                connection.send(("report", line))
