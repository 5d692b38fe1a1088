"""A run that is killed or stopped goes on to the result of the run that was not."""

from __future__ import annotations

import os
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
