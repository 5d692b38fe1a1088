"""The run directory: where a training run keeps its settings, model, checkpoints, figures and predictions."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from korscideberta.errors import ConfigError, ModelError
from korscideberta.files import leftovers, write_json
from korscideberta.locks import locked


@dataclass(frozen=True)
class RunDirectory:
    """Paths of one run; nothing is created until something is written."""

    path: Path

    @property
    def settings_file(self) -> Path:
        """`run.json`: every resolved setting, versions, seeds, fingerprints of data and tokenizer."""
        return self.path / "run.json"

    @property
    def model(self) -> Path:
        """`model/`: the best checkpoint so far with its tokenizer, in Hugging Face layout."""
        return self.path / "model"

    @property
    def checkpoints(self) -> Path:
        """`checkpoints/`: what `--resume` goes on from."""
        return self.path / "checkpoints"

    @property
    def tensorboard(self) -> Path:
        """`tensorboard/`: event files, when they are asked for."""
        return self.path / "tensorboard"

    @property
    def journal(self) -> Path:
        """`metrics.jsonl`: losses and dev figures as they came."""
        return self.path / "metrics.jsonl"

    @property
    def metrics(self) -> Path:
        """`metrics.json`: final figures by split."""
        return self.path / "metrics.json"

    @property
    def lock(self) -> Path:
        """`.lock`: there while a process writes to the run, or after a kill."""
        return self.path / ".lock"

    def predictions(self, split: str, suffix: str = ".csv") -> Path:
        """`predictions-SPLIT.csv` of a classifier, `.jsonl` of every other head."""
        return self.path / f"predictions-{split}{suffix}"

    def check(self, *, overwrite: bool, resume: bool) -> None:
        """Refuse a folder that a run must not be written to; nothing is changed.

        Raises:
            ConfigError: it holds something and neither `overwrite` nor `resume` was asked for; it holds something that
                is not a run and so is never deleted; there is nothing to resume.
        """
        if overwrite and resume:
            raise ConfigError("--overwrite and --resume exclude each other; give one")
        try:
            # What a kill leaves behind before `run.json` is there is nothing that anyone would miss.
            taken = self.path.exists() and (
                not self.path.is_dir() or not set(self.path.iterdir()) <= {self.lock, *leftovers(self.path)}
            )
        except OSError as error:
            raise ConfigError(f"--out {self.path}: cannot be read ({error.strerror})") from None
        if taken and not (overwrite or resume):
            raise ConfigError(
                f"--out {self.path}: already exists; add --resume to go on with it, --overwrite to start anew"
            )
        if taken and not self.settings_file.is_file():
            raise ConfigError(f"--out {self.path}: exists and is not a run directory; choose another folder")
        if resume and not taken:
            raise ConfigError(f"--out {self.path}: nothing to resume; leave --resume out")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder, and keep other processes from writing to it while the block lasts.

        Raises:
            ConfigError: another process does, or the folder cannot be written to.
        """
        with ExitStack() as until_the_end:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                until_the_end.enter_context(locked(self.lock, f"--out {self.path}"))
            except OSError as error:
                raise ConfigError(f"--out {self.path}: cannot be written ({error.strerror})") from None
            yield

    def begin(self, *, overwrite: bool) -> None:
        """Make the folder, after deleting an earlier run there where `overwrite` says so, and what a kill left in it.

        Raises:
            ConfigError: the folder cannot be written to.
        """
        try:
            for path in self.path.iterdir() if overwrite and self.path.exists() else ():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                elif path != self.lock:
                    path.unlink()
            self.path.mkdir(parents=True, exist_ok=True)
            for path in leftovers(self.path) + leftovers(self.model):
                path.unlink()
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except OSError as error:
            raise ConfigError(f"--out {self.path}: cannot be written ({error.strerror})") from None

    def read_settings(self) -> dict[str, Any]:
        """Return the content of `run.json`.

        Raises:
            ModelError: there is no run here, or its `run.json` is damaged.
        """
        if not self.settings_file.is_file():
            raise ModelError(f"{self.path}: not a run directory (no run.json); give the --out folder of 'korsci train'")
        try:
            settings = json.loads(self.settings_file.read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ModelError(f"{self.settings_file}: damaged ({error}); train again") from None
        if not isinstance(settings, dict):
            raise ModelError(f"{self.settings_file}: damaged (no JSON object); train again")
        return settings

    def read_metrics(self) -> dict[str, dict[str, float]]:
        """Return the content of `metrics.json`.

        Raises:
            ModelError: the file is damaged.
        """
        try:
            figures: dict[str, dict[str, float]] = json.loads(self.metrics.read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ModelError(f"{self.metrics}: damaged ({error}); delete it and add --resume") from None
        return figures

    def write_metrics(self, figures: Mapping[str, Mapping[str, float]]) -> None:
        """Write `metrics.json`, splits in the order given."""
        write_json(self.metrics, figures)
