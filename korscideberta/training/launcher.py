"""Starting the processes of a run on this machine, one a device.

As in the original implementation WORLD_SIZE and RANK without LOCAL_RANK count machines: the same command is started
once on each, with MASTER_ADDR and MASTER_PORT naming a place on the first, and starts the machine's processes itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import torch
from torch import distributed

from korscideberta.errors import ConfigError
from korscideberta.tokenization.processes import cpu_count
from korscideberta.training.distributed import number_in
from korscideberta.training.signals import SIGNALS

_HOST, _PORT = "localhost", 17006
"""Of the first machine where nothing else is said, as in the original."""
_POLL = 0.05
_TO_END = 10.0


@dataclass(frozen=True)
class Job:
    """Processes to start on this machine."""

    processes: int
    machines: int = 1
    machine: int = 0
    host: str = _HOST
    port: int = _PORT

    @classmethod
    def of(cls, environment: Mapping[str, str], processes: int | None, device: str) -> Job | None:
        """Work out what to start; None when this process is to do the work itself.

        Args:
            environment: variables, of which those that count machines are read.
            processes: how many on each machine; None is one for each GPU where machines are counted, else one.
            device: what to work on; see `pick_device`.

        Raises:
            ConfigError: a variable or the number of processes is impossible.
        """
        if "LOCAL_RANK" in environment:
            started = environment.get("LOCAL_WORLD_SIZE")
            if processes is not None and str(processes) != started:
                raise ConfigError(
                    f"--processes {processes}: the launcher has started {started or 'them'}; leave it out"
                )
            return None
        if processes is not None and processes < 1:
            raise ConfigError(f"--processes {processes}: must be above 0")
        machines, machine = 1, 0
        if "WORLD_SIZE" in environment:
            machines, machine = number_in(environment, "WORLD_SIZE"), number_in({"RANK": "0", **environment}, "RANK")
            if machine >= machines:
                raise ConfigError(f"RANK={machine}: must be below WORLD_SIZE={machines}, the number of machines")
            if processes is None:
                processes = 1 if device == "cpu" else max(1, torch.cuda.device_count())
        if (processes or 1) * machines == 1:
            return None
        port = number_in({"MASTER_PORT": str(_PORT), **environment}, "MASTER_PORT")
        return cls(processes or 1, machines, machine, environment.get("MASTER_ADDR", _HOST), port)


def launch(job: Job, command: Sequence[str]) -> int:
    """Run the command in every process and return its exit code, or that of the process that failed first.

    When a process fails the others are ended. Signals that ask to stop are passed on to all.
    """
    environment = dict(os.environ)
    # One thread for each processor of the machine, not for each process too.
    environment.setdefault("OMP_NUM_THREADS", str(max(1, cpu_count() // job.processes)))
    host, port = job.host, job.port
    store = None
    if job.machines == 1:
        # Kept here, so that no port need be chosen beforehand, and the processes notice when this one is killed.
        store = distributed.TCPStore(  # type: ignore[attr-defined]
            "127.0.0.1", 0, is_master=True, wait_for_workers=False
        )
        host, port = "127.0.0.1", store.port
        environment["TORCHELASTIC_USE_AGENT_STORE"] = "True"
    children: list[subprocess.Popen[bytes]] = []
    with _passed_on(children):
        try:
            for local in range(job.processes):
                place = {
                    "RANK": job.machine * job.processes + local,
                    "LOCAL_RANK": local,
                    "WORLD_SIZE": job.machines * job.processes,
                    "LOCAL_WORLD_SIZE": job.processes,
                    "MASTER_PORT": port,
                }
                variables = {name: str(value) for name, value in place.items()}
                # A session of its own: a Ctrl-C is passed on to it like other signals, and so comes once.
                children.append(
                    subprocess.Popen(
                        list(command),
                        env={**environment, **variables, "MASTER_ADDR": host},
                        start_new_session=True,
                    )
                )
            code = _wait(children)
        finally:
            _end(children)
    del store
    return code


def this_program(arguments: Sequence[str]) -> list[str]:
    """Return the command that runs this program with these arguments."""
    return [sys.executable, "-m", __package__.partition(".")[0], *arguments]


def _wait(children: Sequence[subprocess.Popen[bytes]]) -> int:
    while True:
        codes = [child.poll() for child in children]
        failed = next((code for code in codes if code), None)
        if failed is not None:
            return failed if failed > 0 else 128 - failed
        if all(code == 0 for code in codes):
            return 0
        time.sleep(_POLL)


def _end(children: Sequence[subprocess.Popen[bytes]]) -> None:
    """Let processes that are ending do so, then kill them."""
    end = time.monotonic() + _TO_END
    for child in children:
        try:
            child.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextmanager
def _passed_on(children: Sequence[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Pass the signals that ask to stop on to the processes."""

    def send(number: int, frame: FrameType | None) -> None:
        for child in children:
            if child.poll() is None:
                child.send_signal(number)

    before = {number: signal.signal(number, send) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
