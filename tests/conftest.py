"""Fixtures shared by the whole suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)  # the suite itself runs in two processes


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of golden files and real data; tests that need it skip without it."""
    folder = os.environ.get("KORSCI_SHARED")
    if not folder or not Path(folder).is_dir():
        pytest.skip("KORSCI_SHARED does not name the folder of golden files and real data")
    return Path(folder)
