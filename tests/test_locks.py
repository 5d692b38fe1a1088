from __future__ import annotations

import errno
import os
import signal
import sys
from contextlib import contextmanager

import pytest

from korscideberta.errors import ConfigError
from korscideberta.run import RunDirectory

fcntl = pytest.importorskip("fcntl")


@contextmanager
def held_by_another(folder):
    """A process that writes to a run, with a forked worker of its own that outlives it; gives its number."""
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with RunDirectory(folder).held():
                worker = os.fork()
                if worker:
                    os.write(tell, str(worker).encode())
                signal.pause()
        finally:
            os._exit(1)
    worker = int(os.read(told, 20))
    try:
        yield child
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        try:
            with RunDirectory(folder).held():  # while its worker lives
                pass
        finally:
            os.kill(worker, signal.SIGKILL)


def test_one_process_writes_to_a_run(tmp_path):
    run = RunDirectory(tmp_path / "run")
    with held_by_another(run.path) as other:
        message = rf"--out {run.path}: another process writes to it \(process {other} on .*\); wait"
        with pytest.raises(ConfigError, match=message), run.held():
            pass
        assert run.lock.is_file()
    assert not list(run.path.iterdir())


def test_what_a_kill_leaves_is_in_nobodys_way(tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.path.mkdir()
    run.lock.write_text("process 1 on elsewhere", encoding="utf-8")
    run.check(overwrite=False, resume=False)
    with run.held():
        run.settings_file.write_text("{}", encoding="utf-8")
        (run.path / "model").mkdir()
        run.begin(overwrite=True)
        assert list(run.path.iterdir()) == [run.lock]
        assert run.lock.read_text(encoding="utf-8").startswith(f"process {os.getpid()} on ")
    assert not list(run.path.iterdir())


def test_without_locks(tmp_path, monkeypatch, caplog):
    def refuse(*arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    run = RunDirectory(tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "lockf", refuse)
        with run.held():
            assert not list(run.path.iterdir())
    assert "no lock keeps other processes" in caplog.text
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with run.held():
        assert not list(run.path.iterdir())
