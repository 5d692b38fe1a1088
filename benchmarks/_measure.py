"""How benchmarks measure: taking turns, medians, peak memory, child processes; and what they measure on."""

from __future__ import annotations

import csv
import gzip
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from _table import ROOT

CLEAR_REFS = Path("/proc/self/clear_refs")
SHARED = os.environ.get("KORSCI_SHARED")
LINES = "data/corpus/science_books.txt.gz"
LINES_TO_TRAIN = 10_000
"""Lines that a tokenizer learns from."""
SHORTEST = 20
"""Characters of a line that counts as a text."""


def seconds(call: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def in_turn(calls: Mapping[str, Callable[[], float]], rounds: int) -> list[dict[str, float]]:
    """What each call returns, all of them once a round, so that a machine that slows down slows all of them down."""
    return [{name: call() for name, call in calls.items()} for _ in range(rounds)]


def compared(rounds: Sequence[Mapping[str, float]], *, less_is_better: bool = False) -> dict[str, Any]:
    """The fields of a row: medians of `peer` and `ours` over the rounds, and of the ratios of each round."""
    peer, ours = (statistics.median(one[who] for one in rounds) for who in ("peer", "ours"))
    better, worse = ("peer", "ours") if less_is_better else ("ours", "peer")
    ratio = statistics.median(one[better] / one[worse] for one in rounds)
    return {"peer": peer, "ours": ours, "ratio": ratio, "details": {"rounds": [dict(one) for one in rounds]}}


def resident_mib(field: str) -> float:
    """A figure of this process's resident memory in MiB: VmRSS is now, VmHWM the most so far; Linux."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


def peak_mib(call: Callable[[], object], *, above: bool = False) -> float:
    """The most MiB resident during a call; with `above` only what is more than before it. Linux."""
    CLEAR_REFS.write_text("5", encoding="ascii")
    before = resident_mib("VmRSS") if above else 0.0
    call()
    return resident_mib("VmHWM") - before


def memory_is_told() -> bool:
    """Whether the system tells what `peak_mib` reads."""
    return CLEAR_REFS.exists()


def environment(**changes: str) -> dict[str, str]:
    """The environment of a child process, which finds the package beside the benchmarks."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, **changes}


def in_child(script: str, words: Sequence[object], **changes: str) -> Any:
    """Run a script in a fresh process and return the last line it prints, which is JSON."""
    done = subprocess.run(
        [sys.executable, script, *map(str, words)], capture_output=True, text=True, env=environment(**changes),
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{Path(script).name} {' '.join(map(str, words))}: {done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def shared(path: str) -> Path | None:
    """A file or folder of $KORSCI_SHARED; None where it is not there."""
    found = Path(SHARED, path) if SHARED else None
    return found if found is not None and found.exists() else None


def read_lines(path: Path | None, *, shuffled: bool = True) -> tuple[str, list[str]]:
    """A name, and the lines of a .txt or .txt.gz file that are long enough, shuffled (seed 0) or in their order.

    None is science_books of $KORSCI_SHARED and, where that is not there, the abstracts of the package's sample papers.
    """
    path = path or shared(LINES)
    if path is None:
        lines = sample_papers()
        name = "the package's sample papers"
    else:
        if not path.is_file():
            sys.exit(f"{path}: no such file; give a file of Korean lines")
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            lines = file.read().splitlines()
        name = path.name
    chosen = [line.strip() for line in lines if len(line.strip()) >= SHORTEST]
    if shuffled:
        random.Random(0).shuffle(chosen)
    return name, chosen


def sample_papers() -> list[str]:
    """The sample papers of the package, a text each."""
    import korscideberta.data.samples
    from korscideberta.data.readers import read_table

    table = read_table(Path(korscideberta.data.samples.__file__).with_name("papers.csv"))
    return [" ".join(row.cells.values()) for row in table.rows]


def save_classifier(folder: Path, config: Any) -> None:
    """Write random weights of a classifier, the same for the same config, that both sides load."""
    import torch

    from korscideberta import DebertaV2ForSequenceClassification

    torch.manual_seed(0)
    DebertaV2ForSequenceClassification(config).save_pretrained(folder)


def vocabulary_for(lines: Sequence[str], most: int = 16_000) -> int:
    """How many pieces a tokenizer learns from lines: `most`, fewer from little text."""
    return min(most, max(1000, sum(map(len, lines)) // 60))


def load_classifier(who: str, folder: Path) -> Any:
    """The classifier in a folder, float32, of `ours` or of transformers (`peer`)."""
    import torch
    import transformers

    from korscideberta import DebertaV2ForSequenceClassification

    if who == "ours":
        return DebertaV2ForSequenceClassification.from_pretrained(folder)
    return transformers.AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)


def make_tokenizer(lines: Sequence[str], folder: Path) -> Any:
    """A tokenizer trained on some of the lines and written to a folder."""
    from korscideberta.tokenization import train_tokenizer

    chosen = random.Random(0).sample(lines, min(LINES_TO_TRAIN, len(lines)))
    tokenizer = train_tokenizer(chosen, folder, vocab_size=vocabulary_for(chosen))
    tokenizer.save_pretrained(folder)
    return tokenizer


def train_nano(lines: Sequence[str], folder: Path, tokenizer: Path, labels: Sequence[str], max_length: int) -> Path:
    """A run of a nano model that has learnt next to nothing: lines cut short, which have the labels in turn."""
    table = folder / "train.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows([lines[row % len(lines)][:60], labels[row % len(labels)]] for row in range(30 * len(labels)))
    words = [
        "--train", table, "--text", "text", "--label", "label", "--model", "nano", "--tokenizer", tokenizer,
        "--epochs", 1, "--max-length", max_length, "--out", folder / "run", "--device", "cpu", "--no-cache",
    ]  # fmt: skip
    command = [sys.executable, "-m", "korscideberta", "--quiet", "train", "classify", *map(str, words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment())
    return folder / "run"
