"""Work done by several forked processes that form a group over gloo."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import time
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import distributed

from korscideberta.training.distributed import process_group
from korscideberta.training.signals import STOPPED, Interrupted

SECONDS = 120


class Member(NamedTuple):
    """How one process ended."""

    code: int
    """Minus the signal's number for one that was killed."""
    result: Any
    err: str


def tell(error):
    os.write(2, f"told: {error!r}\n".encode())
    return 7


def in_processes(folder: Path, work, count: int = 2) -> list[Member]:
    """Call `work(rank)` in each of `count` processes, and wait until all have ended; what it returns is saved."""
    import_module("torch._dynamo")  # by DistributedDataParallel; here once, not in every process for seconds
    store = distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    folder.mkdir(parents=True, exist_ok=True)
    children = [_fork(folder, work, number, count, store.port) for number in range(count)]
    ends = time.monotonic() + SECONDS
    codes = [_wait(child, ends) for child in children]
    if None in codes:
        told = "\n".join((folder / f"told-{number}").read_text() for number in range(count))
        raise AssertionError(f"not all processes ended: {codes}\n{told}")
    return [
        Member(
            code,
            torch.load(path, weights_only=False) if (path := folder / f"result-{number}").exists() else None,
            (folder / f"told-{number}").read_text(),
        )
        for number, code in enumerate(codes)
    ]


def _fork(folder: Path, work, number: int, count: int, port: int) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        told = os.open(folder / f"told-{number}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(told, 1)
        os.dup2(told, 2)
        faulthandler.dump_traceback_later(SECONDS - 10, file=2)
        torch.set_num_threads(1)  # a fork has none of the threads that OpenMP believes to have
        logging.basicConfig(stream=os.fdopen(2, "w", closefd=False), level=logging.WARNING, force=True)
        logging.getLogger("korscideberta").setLevel(logging.WARNING)
        os.environ.update(
            RANK=str(number), LOCAL_RANK=str(number), WORLD_SIZE=str(count), MASTER_ADDR="127.0.0.1",
            MASTER_PORT=str(port), TORCHELASTIC_USE_AGENT_STORE="True",
        )  # fmt: skip
        try:
            with process_group("cpu", tell):
                torch.save(work(number), folder / f"result-{number}")
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        except Interrupted as stopped:
            code = STOPPED
            tell(stopped)
    finally:
        os._exit(code)


def _wait(child: int, ends: float) -> int | None:
    """Return the exit code, or minus the signal's number; None for one that had to be killed."""
    while time.monotonic() < ends:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None
