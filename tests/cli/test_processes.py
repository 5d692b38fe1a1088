"""Several processes at the command line."""

from __future__ import annotations

import os
import subprocess
import sys

from cli_calls import TINY

HERE = [sys.executable, "-m", "korscideberta"]
TORCHRUN = [
    sys.executable,
    "-m",
    "torch.distributed.run",
    "--standalone",
    "--nproc-per-node",
    "2",
    "-m",
    "korscideberta",
]


def run(command, *arguments):
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, check=False,
        env={**environment, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def train(table, out):
    return [
        "train",
        "classify",
        "--train",
        table,
        "--dev",
        table,
        "--text",
        "제목",
        "--label",
        "분야",
        *TINY,
        "--out",
        out,
    ]


def test_torchrun(table, tmp_path):
    done = run(TORCHRUN, *train(table, tmp_path / "out"), "--save-every", 1)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("accuracy") == 2  # with that of top k; one process speaks
    assert done.stderr.count("(best)") == 1
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"run.json", "model", "checkpoints", "metrics.jsonl", "metrics.json", "predictions-dev.csv"}
    refused = run(HERE, *train(table, tmp_path / "out"), "--resume")
    assert refused.returncode == 2
    assert "world_size was 2, now 1" in refused.stderr


def test_an_error_is_one_line_and_exit_code_2(table, tmp_path):
    done = run(HERE, *train(table, tmp_path / "out"), "--label", "없음", "--processes", 2)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len([line for line in lines if line.startswith("error: ")]) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
