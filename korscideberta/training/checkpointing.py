"""Checkpoints a run goes on from to the same result.

A checkpoint is a folder `checkpoints/step-NNNNNNNN` of `state.pt` and `manifest.json`, which holds the file's size and
SHA-256. It is written under a temporary name, flushed to the disk and renamed, so a folder with that name is whole
unless the disk damaged it later; that is what the checksum finds.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import random
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

import numpy as np
import torch

from korscideberta.collective import gathered, is_main, rank, wait_for_all
from korscideberta.errors import DataError, ModelError
from korscideberta.files import file_sha256

logger = logging.getLogger(__name__)

_NAME = re.compile(r"step-(\d{8,})")
_STATE, _MANIFEST = "state.pt", "manifest.json"
_FORMAT = 1


class Stateful(Protocol):
    """An object whose future depends on a state."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state: tensors, numbers, strings, lists and dicts."""

    def load_state_dict(self, state: dict[str, Any], /) -> Any:
        """Go on from a saved state."""


class RandomStates:
    """The states of every random-number generator of every process: Python's, NumPy's, torch's on CPU and GPUs."""

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` takes; all processes must ask together."""
        first, *others = gathered(self._own())
        return {**first, "others": others}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put every generator of this process where it was."""
        self._put([state, *state["others"]][rank()])

    def _own(self) -> dict[str, Any]:
        version, numbers, gauss = random.getstate()
        name, keys, position, has_gauss, cached = cast(tuple[Any, ...], np.random.get_state(legacy=True))
        return {
            "python": [version, torch.tensor(numbers), gauss],
            "numpy": [name, torch.tensor(keys.tolist()), position, has_gauss, cached],
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def _put(self, state: dict[str, Any]) -> None:
        version, numbers, gauss = state["python"]
        random.setstate((version, tuple(numbers.tolist()), gauss))
        name, keys, position, has_gauss, cached = state["numpy"]
        np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))
        torch.set_rng_state(state["torch"])
        if state["cuda"]:
            torch.cuda.set_rng_state_all(state["cuda"])


class Checkpoints:
    """The newest checkpoints of a run.

    Args:
        folder: where they are.
        keep_last: how many stay.
    """

    def __init__(self, folder: Path, keep_last: int) -> None:
        self.folder = folder
        self.keep_last = keep_last

    def steps(self) -> list[int]:
        """Return the steps there are checkpoints of, the newest first."""
        if not self.folder.is_dir():
            return []
        names = (_NAME.fullmatch(path.name) for path in self.folder.iterdir())
        return sorted((int(name.group(1)) for name in names if name), reverse=True)

    def path(self, step: int) -> Path:
        """Return the folder of the checkpoint after `step` steps."""
        return self.folder / f"step-{step:08d}"

    def save(self, step: int, parts: Mapping[str, Stateful]) -> None:
        """Write a checkpoint, then delete those that are too many and what earlier writes left behind.

        All processes of a run call this together and go on once the main one has written.

        Raises:
            DataError: it cannot be written; the checkpoints there were are untouched.
        """
        state = {name: part.state_dict() for name, part in parts.items()}
        if is_main():
            self._write(step, state)
        wait_for_all()

    def _write(self, step: int, state: Mapping[str, Any]) -> None:
        target = self.path(step)
        temporary = self.folder / f".{target.name}.tmp"
        try:
            if temporary.exists():
                shutil.rmtree(temporary)
            temporary.mkdir(parents=True)
            entry = _write_state(temporary / _STATE, {"step": step, "parts": state})
            _write_synced(
                temporary / _MANIFEST, json.dumps({"format": _FORMAT, "step": step, "files": {_STATE: entry}})
            )
            _sync_folder(temporary)
            if target.exists():  # a damaged one that an earlier start passed over
                shutil.rmtree(target)
            temporary.rename(target)
            _sync_folder(self.folder)
        except OSError as error:
            shutil.rmtree(temporary, ignore_errors=True)
            kept = f"; the one after step {self.steps()[0]} is intact" if self.steps() else ""
            raise DataError(
                f"{target}: the checkpoint cannot be written ({error.strerror or error}){kept}; "
                "make room and go on with --resume"
            ) from None
        self._prune(step)

    def load(self, parts: Mapping[str, Stateful]) -> int:
        """Put the parts into the state of the newest checkpoint that is whole, and return its step; 0 without any.

        A damaged one is passed over with a warning.

        Raises:
            ModelError: there are checkpoints, and all of them are damaged; or the processes do not see the same ones.
        """
        step = self._load(parts)
        if len(set(seen := gathered(step))) > 1:
            raise ModelError(
                f"{self.folder}: the processes see checkpoints of the steps {', '.join(map(str, seen))}; "
                "--out must be on a file system that all machines share"
            )
        return step

    def _load(self, parts: Mapping[str, Stateful]) -> int:
        steps = self.steps()
        for number, step in enumerate(steps):
            try:
                state = self._read(step)
            except ModelError as error:
                older = f"going on from step {steps[number + 1]}" if number + 1 < len(steps) else "no older one is left"
                logger.warning("%s; %s", error, older)
                continue
            for name, part in parts.items():
                part.load_state_dict(state[name])
            return step
        if steps:
            raise ModelError(f"{self.folder}: every checkpoint is damaged; start anew with --overwrite")
        return 0

    def _read(self, step: int) -> dict[str, Any]:
        folder = self.path(step)
        try:
            manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
            expected = manifest["files"][_STATE]["sha256"]
            if file_sha256(folder / _STATE) != expected:
                raise ModelError(f"{folder / _STATE}: damaged checkpoint (its SHA-256 is not that of {_MANIFEST})")
            state: dict[str, Any] = torch.load(folder / _STATE, map_location="cpu", weights_only=True)["parts"]
        except ModelError:
            raise
        except Exception as error:  # torch.load and a damaged manifest raise many kinds
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise ModelError(f"{folder}: damaged checkpoint ({reason})") from None
        return state

    def _prune(self, newest: int) -> None:
        """Keep the newest checkpoints up to that step; later ones are damaged, or they would have been loaded."""
        kept = [step for step in self.steps() if step <= newest][: self.keep_last]
        for path in self.folder.iterdir():
            name = _NAME.fullmatch(path.name)
            if path.name.startswith(".step-") or (name and int(name.group(1)) not in kept):
                shutil.rmtree(path, ignore_errors=True)


class _HashingStream:
    """A binary file that digests what is written to it and remembers why a write failed."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()
        self.size = 0
        self.error: OSError | None = None

    def write(self, block: Any) -> int:
        try:
            self._stream.write(block)
        except OSError as error:
            self.error = error
            raise
        self.digest.update(block)
        self.size += len(block)
        return len(block)

    def flush(self) -> None:
        self._stream.flush()


def _write_state(path: Path, state: Any) -> dict[str, Any]:
    with path.open("wb") as raw:
        stream = _HashingStream(raw)
        try:
            torch.save(state, stream)  # type: ignore[arg-type]
        except RuntimeError:
            if stream.error is not None:  # torch reports a full disk as an error of its own
                raise stream.error from None
            raise
        raw.flush()
        os.fsync(raw.fileno())
    return {"bytes": stream.size, "sha256": stream.digest.hexdigest()}


def _write_synced(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
