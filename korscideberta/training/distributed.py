"""Joining the processes of a run, and leaving them: in order when all are done, at once when one fails.

A process belongs to a group when its environment has what torchrun sets: LOCAL_RANK beside RANK, WORLD_SIZE,
MASTER_ADDR and MASTER_PORT. Without LOCAL_RANK it is the first process of a machine; see `launcher`.
"""

from __future__ import annotations

import gc
import logging
import os
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn

import numpy as np
import torch
from torch import distributed

from korscideberta.collective import is_main, wait_for_all
from korscideberta.errors import ConfigError, DependencyError, KorsciError
from korscideberta.precision import pick_device
from korscideberta.training.signals import STOPPED, Interrupted

_TO_MEET = timedelta(minutes=10)
_TO_WAIT = timedelta(days=7)
"""The main process may encode a corpus or write for hours; that another has failed is noticed by other means."""
_LOOK = 0.5
_GRACE = 3.0


@dataclass(frozen=True)
class Membership:
    """The place of a process in its group."""

    rank: int
    local_rank: int
    """Its number among those of its machine."""
    world_size: int
    host: str
    port: int

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Membership | None:
        """Read the variables; None when there is no group or this process is all of it.

        Raises:
            ConfigError: a variable is missing or impossible.
        """
        if "LOCAL_RANK" not in environment:
            return None
        rank, local, size = (number_in(environment, name) for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE"))
        if rank >= size:
            raise ConfigError(f"RANK={rank}: must be below WORLD_SIZE={size}")
        if size == 1:
            return None
        if "MASTER_ADDR" not in environment:
            raise ConfigError("MASTER_ADDR is not set; start the processes with torchrun or with --processes")
        return cls(rank, local, size, environment["MASTER_ADDR"], number_in(environment, "MASTER_PORT"))


def number_in(environment: Mapping[str, str], name: str) -> int:
    """Return a variable that must be a whole number; ConfigError names it when it is not or is missing."""
    value = environment.get(name)
    if value is None:
        raise ConfigError(f"{name} is not set; start the processes with torchrun or with --processes")
    if not value.isdecimal():
        raise ConfigError(f"{name}={value}: must be a whole number")
    return int(value)


@contextmanager
def process_group(device: str, tell: Callable[[BaseException], int]) -> Iterator[torch.device]:
    """Join the other processes of this run, where there are any, and give the device to work on.

    Inside the block the functions of `collective` speak to all of them. An error in any process ends every one of them
    within seconds, and is told once: by the process that failed first.

    Args:
        device: as for `pick_device`; of several processes on a machine with GPUs each takes its own.
        tell: shows an error to the user and returns the exit code; called where the error would else be raised.

    Raises:
        SystemExit: this process or another has failed, or this is not the main one and all have stopped.
        Interrupted: all processes have stopped in the same step, and this is the main one.
        ConfigError: variables, or the device, are impossible.
    """
    member = Membership.of(os.environ)
    if member is None:
        yield pick_device(device)
        return
    chosen = _own_device(device, member)
    board = _join(member, chosen)
    watch = _Watch(board)
    watch.start()
    try:
        with _speaking():
            yield chosen
            _leave(watch)
    except Interrupted as stopped:
        if stopped.step is None:
            _fail(stopped, board, watch, tell)
        # A replicated model that the traceback keeps alive would be the last to hold the group, and end it while the
        # group's threads may still need the interpreter's lock.
        traceback.clear_frames(stopped.__traceback__)
        gc.collect()
        _leave(watch)
        if member.rank:
            raise SystemExit(STOPPED) from None
        raise
    except BaseException as error:
        _fail(error, board, watch, tell)


def seed_process(seed: int, rank: int, world_size: int) -> None:
    """Give each of several processes its own stream of random numbers, which follows from (seed, rank)."""
    if world_size > 1:
        torch.manual_seed(int(np.random.SeedSequence((seed, rank)).generate_state(1, np.uint64)[0] >> np.uint64(1)))


def _own_device(name: str, member: Membership) -> torch.device:
    device = pick_device(name)
    if device.type != "cuda":
        return device
    if device.index is not None:
        raise ConfigError(f"--device {name}: {member.world_size} processes cannot share it; use --device cuda")
    if member.local_rank >= torch.cuda.device_count():
        raise ConfigError(
            f"LOCAL_RANK={member.local_rank}: this machine has {torch.cuda.device_count()} GPUs; "
            "start one process for each"
        )
    device = torch.device("cuda", member.local_rank)
    torch.cuda.set_device(device)
    return device


def _join(member: Membership, device: torch.device) -> _Board:
    """Form the group and return the board on which its processes leave notes."""
    if not distributed.is_available():
        raise DependencyError("this build of torch has no torch.distributed; install one of pytorch.org's")
    try:
        store, rank, size = next(distributed.rendezvous("env://", timeout=_TO_MEET))  # type: ignore[attr-defined]
        # What goes between processors goes by gloo also where the gradients of GPUs go by NCCL.
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        distributed.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=_TO_WAIT)
        return _Board(member)
    except (RuntimeError, OSError) as error:
        raise ConfigError(
            f"process {member.rank} of {member.world_size} cannot reach the others over MASTER_ADDR={member.host} "
            f"MASTER_PORT={member.port} ({str(error).splitlines()[0]})"
        ) from None


def _leave(watch: _Watch) -> None:
    """Wait until all are done: the board may go with its process, and nobody must take that for a failure."""
    watch.closing.set()
    wait_for_all()
    watch.join()
    distributed.destroy_process_group()


def _fail(error: BaseException, board: _Board, watch: _Watch, tell: Callable[[BaseException], int]) -> NoReturn:
    """End this process for an error: the first to fail tells what happened, then the others end without a word."""
    watch.closing.set()
    if _is_lost_connection(error):
        # The consequence of a failure elsewhere, which is the one to tell of.
        code = board.wait_for_code()
        if code is not None:
            raise SystemExit(code)
        error = KorsciError(
            "another process ended without a word; it may have been killed for want of memory (go on with --resume)"
        )
    if not board.claim():
        raise SystemExit(board.wait_for_code() or 1)
    code = tell(error)
    board.leave(code)
    raise SystemExit(code)


def _is_lost_connection(error: BaseException) -> bool:
    return isinstance(error, distributed.DistError) or (isinstance(error, RuntimeError) and "gloo" in str(error))


class _Board:
    """Where the process that fails first says so, kept by the launcher or by the main process."""

    def __init__(self, member: Membership) -> None:
        # A connection of its own, since a client that waits for a key answers no other thread.
        client = distributed.TCPStore(  # type: ignore[attr-defined]
            member.host, member.port, is_master=False, timeout=_TO_MEET
        )
        attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        self._store = distributed.PrefixStore(f"korsci/{attempt}", client)  # type: ignore[attr-defined]

    def claim(self) -> bool:
        """Tell whether this is the first process to fail; not when the board is gone with its keeper."""
        try:
            return bool(self._store.add("failed", 1) == 1)
        except RuntimeError:
            return False

    def leave(self, code: int) -> None:
        """Let the others end with that exit code."""
        self._store.set("code", str(code))

    def code(self) -> int | None:
        """Return the exit code that was left; 1 when the board is gone."""
        try:
            return int(self._store.get("code")) if self._store.check(["code"]) else None
        except RuntimeError:
            return 1

    def wait_for_code(self) -> int | None:
        """Give the process that failed first time to tell of it; None when it leaves no exit code."""
        end = time.monotonic() + _GRACE
        while time.monotonic() < end:
            code = self.code()
            if code is not None:
                return code
            time.sleep(_LOOK / 5)
        return None


class _Watch(threading.Thread):
    """Ends this process when another has failed, also while it waits for that one inside a library."""

    def __init__(self, board: _Board) -> None:
        super().__init__(name="watch", daemon=True)
        self._board = board
        self.closing = threading.Event()

    def run(self) -> None:
        """Look now and then until `closing` is set."""
        while not self.closing.wait(_LOOK):
            code = self._board.code()
            if code is not None and not self.closing.is_set():
                os._exit(code)


@contextmanager
def _speaking() -> Iterator[None]:
    """Let the main process alone log and warn."""
    package = logging.getLogger(__package__.partition(".")[0])
    level = package.level
    with warnings.catch_warnings():
        if not is_main():
            package.setLevel(logging.CRITICAL)
            warnings.simplefilter("ignore")
        try:
            yield
        finally:
            package.setLevel(level)
