"""Fixtures shared by the whole suite."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))  # hub_server.py, kills.py and others stand beside this file

from hub_server import Hub, serving

torch.set_num_threads(1)  # the suite itself runs in two processes
settings.register_profile("untimed", deadline=None)  # a busy machine is no fault of the code
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of golden files and real data; tests that need it skip without it."""
    folder = os.environ.get("KORSCI_SHARED")
    if not folder or not Path(folder).is_dir():
        pytest.skip("KORSCI_SHARED does not name the folder of golden files and real data")
    return Path(folder)


@pytest.fixture(autouse=True)
def log_level() -> Iterator[None]:
    """Leave the package's log level as it was: the command line sets it, and the next test may look at the log."""
    package = logging.getLogger("korscideberta")
    before = package.level
    yield
    package.setLevel(before)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for encoded data sets that is this suite's own."""
    folder = tmp_path_factory.mktemp("cache")
    os.environ["KORSCI_CACHE"] = str(folder)
    return folder


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[Hub]:
    """An empty stand-in for the Hugging Face hub, and the hub's client set to talk to it, with a cache of its own."""
    import huggingface_hub
    from huggingface_hub import constants

    with serving() as server:
        for name, value in {
            "ENDPOINT": server.url,
            "HUGGINGFACE_CO_URL_TEMPLATE": server.url + "/{repo_id}/resolve/{revision}/{filename}",
            "HF_HUB_CACHE": str(tmp_path / "hub-cache"),
            "HF_HUB_DISABLE_XET": True,
            "HF_TOKEN_PATH": str(tmp_path / "no-token"),
            "HF_HUB_OFFLINE": False,
        }.items():
            monkeypatch.setattr(constants, name, value)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
        huggingface_hub.close_session()
        yield server
        huggingface_hub.close_session()
