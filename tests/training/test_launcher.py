"""Starting processes: how many, with which variables, and how they end."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import pytest

from korscideberta.errors import ConfigError
from korscideberta.training import launcher
from korscideberta.training.launcher import Job, launch

TORCHRUN = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}


@pytest.mark.parametrize(
    ("environment", "processes", "job"),
    [
        ({}, None, None),
        ({}, 1, None),
        ({}, 3, Job(3)),
        ({"WORLD_SIZE": "1"}, None, None),
        ({"WORLD_SIZE": "2", "RANK": "1", "MASTER_ADDR": "a", "MASTER_PORT": "5"}, None, Job(1, 2, 1, "a", 5)),
        ({"WORLD_SIZE": "2"}, 4, Job(4, 2, 0, "localhost", 17006)),
        (TORCHRUN, None, None),
        (TORCHRUN, 2, None),
    ],
)
def test_what_is_started_on_a_machine_without_gpus(environment, processes, job):
    assert Job.of(environment, processes, "cpu") == job


def test_machines_are_counted_and_each_has_a_process_a_gpu(monkeypatch):
    monkeypatch.setattr(launcher.torch.cuda, "device_count", lambda: 8)
    assert Job.of({"WORLD_SIZE": "3", "RANK": "2"}, None, "auto") == Job(8, 3, 2)
    assert Job.of({"WORLD_SIZE": "1"}, None, "auto") == Job(8)
    assert Job.of({"WORLD_SIZE": "1"}, None, "cpu") is None
    assert Job.of({}, None, "auto") is None


@pytest.mark.parametrize(
    ("environment", "processes", "told"),
    [
        ({}, 0, "--processes 0: must be above 0"),
        ({"WORLD_SIZE": "2", "RANK": "2"}, None, "RANK=2: must be below WORLD_SIZE=2"),
        ({"WORLD_SIZE": "two"}, None, "WORLD_SIZE=two: must be a whole number"),
        (TORCHRUN, 3, "--processes 3: the launcher has started 2"),
    ],
)
def test_what_cannot_be_is_refused(environment, processes, told):
    with pytest.raises(ConfigError, match=told):
        Job.of(environment, processes, "cpu")


def python(code: str) -> list[str]:
    return [sys.executable, "-c", f"import os, sys, time, signal\n{code}"]


def test_every_process_knows_its_place(tmp_path):
    shown = "' '.join(os.environ[n] for n in ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'))"
    code = f"open(os.path.join({str(tmp_path)!r}, os.environ['RANK']), 'w').write({shown})"
    assert launch(Job(2, machines=3, machine=1, host="node1", port=17006), python(code)) == 0
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "2": "2 0 6 node1 17006",
        "3": "3 1 6 node1 17006",
    }


def test_the_first_failure_is_the_exit_code_and_ends_the_rest(monkeypatch):
    monkeypatch.setattr(launcher, "_TO_END", 0.2)
    began = time.monotonic()
    assert launch(Job(2), python("sys.exit(2) if os.environ['RANK'] == '1' else time.sleep(60)")) == 2
    killed = "os.kill(os.getpid(), signal.SIGKILL) if os.environ['RANK'] == '0' else time.sleep(60)"
    assert launch(Job(2), python(killed)) == 128 + signal.SIGKILL
    assert time.monotonic() - began < 30


def test_signals_are_passed_on_to_all(tmp_path):
    code = (
        f"folder = {str(tmp_path)!r}\n"
        "signal.signal(signal.SIGUSR1, lambda *_: sys.exit(75))\n"
        "open(os.path.join(folder, os.environ['RANK']), 'w').close()\n"
        "time.sleep(60)"
    )

    def ask_when_ready():
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.getsignal(signal.SIGUSR1)
    threading.Thread(target=ask_when_ready, daemon=True).start()
    assert launch(Job(2), python(code)) == 75
    assert signal.getsignal(signal.SIGUSR1) is before
