"""A run that is killed or stopped goes on to the result of the run that was not."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from cli_calls import TINY, call

LONGER = ("--epochs", "5", "--batch-size", "4", "--eval-every", "3")


@pytest.fixture(scope="module")
def arguments(table):
    return ["train", "classify", "--train", table, "--dev", table, "--text", "제목", "--label", "분야", *TINY, *LONGER]


@pytest.fixture(scope="module")
def whole(arguments, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert call(*arguments, "--out", folder).code == 0
    return folder


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGUSR1, 75)])
def test_resume(arguments, whole, tmp_path, number, code):
    out = tmp_path / "run"
    command = [sys.executable, "-m", "korscideberta", *map(str, arguments), "--out", str(out)]
    # One thread, as in this process: sums are then taken in the same order.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        while process.poll() is None and not list(out.glob("checkpoints/step-*")):
            time.sleep(0.005)
        process.send_signal(number)
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == code, errors
    assert ("--resume" in errors) == (code == 75)
    assert not (out / "metrics.json").exists()
    assert call("--quiet", "predict", out, "금리").code == 0  # what there is so far can be used
    assert call(*arguments, "--out", out, "--resume").code == 0
    for name in ("metrics.json", "model/model.safetensors", "predictions-dev.csv"):
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.mark.parametrize("command", ["train", "cv"])
def test_a_run_that_another_process_writes(command, arguments, whole, table, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    if command == "cv":
        arguments = ["cv", "classify", "--data", table, "--text", "제목", "--label", "분야", "--folds", "2", *TINY]
    code = "import sys, time, pathlib, korscideberta.run as r\nwith r.RunDirectory(pathlib.Path(sys.argv[1])).held():\n"
    code += "    print(flush=True)\n    time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code, str(out)], stdout=subprocess.PIPE) as other:
        try:
            other.stdout.readline()
            outcome = call("--quiet", *arguments, "--out", out, "--overwrite")
        finally:
            other.kill()
    assert outcome.code == 2
    last = outcome.err.strip().splitlines()[-1]
    assert last.startswith(f"error: --out {out}: another process writes to it (process {other.pid} on ")
    assert (out / "metrics.json").read_bytes() == (whole / "metrics.json").read_bytes()


def test_resume_of_predictions(trained, table, tmp_path, monkeypatch):
    arguments = ("predict", trained, "--input", table, "--output")
    assert call(*arguments, tmp_path / "whole.csv").code == 0
    monkeypatch.setattr("korscideberta.prediction.windows.ROWS", 10)
    with monkeypatch.context() as patch:
        patch.setattr(
            "korscideberta.commands.progress.Progress.rows",
            lambda self, done, total: os.kill(os.getpid(), signal.SIGTERM) if done > 10 else None,
        )
        stopped = call(*arguments, tmp_path / "out.csv")
    assert stopped.code == 75
    assert "go on with the same command and --resume" in stopped.err
    assert len((tmp_path / "out.csv.part").read_text(encoding="utf-8").splitlines()) == 11
    outcome = call(*arguments, tmp_path / "out.csv", "--resume")
    assert outcome.code == 0, outcome.err
    assert "100% of 24 rows" in outcome.err
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert "--resume: give --input FILE and --output FILE" in call("predict", trained, "금리", "--resume").err
    assert "--batch-tokens many: give a whole number" in call("predict", trained, "금리", "--batch-tokens", "many").err
