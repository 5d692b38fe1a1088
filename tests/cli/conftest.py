"""A small table and a finished run on it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # cli_calls.py stands beside this file

from cli_calls import TINY, call, write_table


@pytest.fixture(scope="session")
def table(tmp_path_factory) -> Path:
    return write_table(tmp_path_factory.mktemp("table") / "train.csv")


@pytest.fixture(scope="session")
def trained(tmp_path_factory, table) -> Path:
    folder = tmp_path_factory.mktemp("run") / "out"
    outcome = call(
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
        folder,
    )
    assert outcome.code == 0, outcome.err
    return folder
