"""The batch files of Slurm, with stand-ins for srun, scontrol and the program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SLURM = Path(__file__).parent.parent.parent / "experiments" / "slurm"
FILES = [SLURM / f"{name}.sbatch" for name in ("multi_node", "seeds_array", "single_node")]

SRUN = """#!/usr/bin/env bash
while [[ $1 == --* ]]; do echo "$1" >> "$NOTES/srun"; shift; done
export SLURM_NODEID=1
exec "$@"
"""
SCONTROL = """#!/usr/bin/env bash
if [[ $1 == show ]]; then printf 'node7\\nnode8\\n'; else echo "$@" >> "$NOTES/scontrol"; fi
"""
PROGRAM = """
import os, pathlib, signal, sys, time
notes = pathlib.Path(os.environ["NOTES"])
if os.environ.get("WAIT") == "deaf":
    (notes / "ready").touch()
    time.sleep(60)
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(75))
names = ("WORLD_SIZE", "RANK", "MASTER_ADDR", "MASTER_PORT")
(notes / "variables").write_text(" ".join(os.environ.get(name, "-") for name in names))
(notes / "arguments").write_text(" ".join(sys.argv[1:]))
(notes / "ready").touch()
if "WAIT" in os.environ:
    time.sleep(60)
sys.exit(int(os.environ.get("CODE", 0)))
"""


class Cluster:
    """A folder with the stand-ins, and what they note."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "bin"
        self.programs.mkdir()
        for name, text in (("srun", SRUN), ("scontrol", SCONTROL)):
            (self.programs / name).write_text(text)
            (self.programs / name).chmod(0o755)
        (folder / "program.py").write_text(PROGRAM)

    def submit(self, script: Path, *arguments: object, **environment: str) -> subprocess.Popen[str]:
        variables = {
            "PATH": f"{self.programs}:{os.environ['PATH']}", "NOTES": str(self.folder), "SLURM_JOB_ID": "4711",
            "SLURM_NNODES": "2", "SLURM_JOB_NODELIST": "node[7-8]", "SLURM_GPUS_ON_NODE": "4",
            "SLURM_ARRAY_TASK_ID": "3", "KORSCI": f"{sys.executable} {self.folder / 'program.py'}", **environment,
        }  # fmt: skip
        return subprocess.Popen(
            ["bash", str(script), *map(str, arguments)], env=variables, stderr=subprocess.PIPE, text=True
        )

    def noted(self, name: str) -> str | None:
        path = self.folder / name
        return path.read_text() if path.exists() else None

    def interrupt(self, job: subprocess.Popen[str]) -> None:
        while self.noted("ready") is None:
            assert job.poll() is None
            time.sleep(0.01)
        job.send_signal(signal.SIGUSR1)


@pytest.fixture
def cluster(tmp_path) -> Cluster:
    return Cluster(tmp_path)


@pytest.mark.parametrize("script", FILES, ids=lambda path: path.stem)
def test_sound_and_asking_to_be_told_in_time(script):
    done = subprocess.run(["bash", "-n", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = script.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
    assert {"#SBATCH --requeue", "#SBATCH --signal=B:USR1@300"} <= set(lines)
    assert all(len(line) <= 120 for line in lines)


@pytest.mark.parametrize(
    ("name", "arguments", "variables"),
    [
        ("single_node", "train papers --out {out} --epochs 2{resume} --processes 4", "- - - -"),
        ("multi_node", "train papers --out {out} --epochs 2{resume}", "2 1 node7 24711"),
        ("seeds_array", "train papers --out {out} --epochs 2{resume} --seed 3 --out {out}/seed-3", "- - - -"),
    ],
)
@pytest.mark.parametrize("resumed", [False, True])
def test_what_is_run(cluster, tmp_path, name, arguments, variables, resumed):
    out = tmp_path / "out"
    if resumed:
        run = out / "seed-3" if name == "seeds_array" else out
        run.mkdir(parents=True)
        (run / "run.json").touch()
    job = cluster.submit(SLURM / f"{name}.sbatch", "papers", "--out", out, "--epochs", 2)
    assert job.wait(60) == 0, job.stderr.read()
    assert cluster.noted("arguments") == arguments.format(out=out, resume=" --resume" if resumed else "")
    assert cluster.noted("variables") == variables
    assert cluster.noted("scontrol") is None


@pytest.mark.parametrize("script", FILES, ids=lambda path: path.stem)
def test_stopped_in_time_it_is_queued_again(cluster, tmp_path, script):
    job = cluster.submit(script, "papers", f"--out={tmp_path / 'out'}", WAIT="yes")
    cluster.interrupt(job)
    assert job.wait(60) == 0, job.stderr.read()
    assert cluster.noted("scontrol") == "requeue 4711\n"


def test_one_that_is_not_ready_for_the_signal_is_queued_again_too(cluster, tmp_path):
    job = cluster.submit(FILES[0], "papers", "--out", tmp_path / "out", WAIT="deaf")
    cluster.interrupt(job)
    assert job.wait(60) == 0, job.stderr.read()
    assert cluster.noted("scontrol") == "requeue 4711\n"


@pytest.mark.parametrize("code", [2, 75])
def test_a_failure_or_a_stop_from_elsewhere_is_not(cluster, tmp_path, code):
    job = cluster.submit(FILES[0], "papers", "--out", tmp_path / "out", CODE=str(code))
    assert job.wait(60) == code
    assert cluster.noted("scontrol") is None


def test_without_a_run_directory_it_is_refused(cluster):
    job = cluster.submit(FILES[0], "papers")
    assert job.wait(60) == 2
    assert "--out is missing" in job.stderr.read()
