"""Training runs that a benchmark makes, goes on with, or only reads, so that its command can be repeated."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from _measure import environment
from korscideberta.files import write_json


@dataclass(frozen=True)
class Done:
    """A finished run."""

    figures: dict[str, dict[str, float]]
    """By split and name."""
    seconds: float
    """Of training and scoring, all attempts together but those during which the benchmark itself was killed."""
    command: list[str]


def run(command: list[str], folder: Path) -> Done:
    """Train into the folder that the words after `korsci` name, go on, or read what was trained before."""
    kept = folder.with_suffix(".json")
    before = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {"command": command, "seconds": 0.0}
    if before["command"] != command:
        sys.exit(f"{folder}: begun by another command ({shlex.join(before['command'])}); choose another --out")
    seconds = before["seconds"]
    if not (folder / "metrics.json").is_file():
        write_json(kept, before)
        resume = ["--resume"] if (folder / "run.json").is_file() else []
        start = time.perf_counter()
        code = finished([sys.executable, "-m", "korscideberta", *command, *resume])
        seconds += time.perf_counter() - start
        write_json(kept, {"command": command, "seconds": seconds})
        if code:
            sys.exit(code)
    return Done(json.loads((folder / "metrics.json").read_text(encoding="utf-8")), seconds, command)


def finished(command: Sequence[str]) -> int:
    """Run a command and return its exit code; Ctrl-C reaches it too, and it is given the time to save its state."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment()) as child:
        while True:
            with suppress(KeyboardInterrupt):
                return child.wait()
