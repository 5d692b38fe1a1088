"""Time and memory of training a tokenizer: one process against two, a corpus against several copies of it.

    python benchmarks/tokenizer_training.py FILE… [--vocab-size 16000] [--copies 10]

Memory is the largest sum of what the program and its children hold of their own, pages that they share counted once and
the mapped dictionary not at all, sampled ten times a second (Linux): while texts are cut into morphs, and while
SentencePiece trains. For copies the morphs alone are cut.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Phase:
    """Seconds and the most bytes held."""

    seconds: float = 0.0
    peak: int = 0

    def __str__(self) -> str:
        return f"{self.seconds:7.1f} s {self.peak / 2**20:7.0f} MiB"


def held(pid: int) -> int:
    """Bytes held by a process and its children, without mapped files; 0 for one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0
    own = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss_Anon:")), 0)
    return own + sum(held(int(child)) for child in children)


def train(
    files: list[Path], out: Path, vocab_size: int, workers: int, *, cut_only: bool = False
) -> tuple[Phase, Phase]:
    """Run the command and watch it; with `cut_only` it is stopped before SentencePiece trains."""
    command = [
        sys.executable,
        "-m",
        "korscideberta",
        "--quiet",
        "tokenizer",
        "train",
        *map(str, files),
        "--out",
        str(out),
    ]
    command += ["--vocab-size", str(vocab_size), "--workers", str(workers)]
    cutting, training = Phase(), Phase()
    phase, since = cutting, time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            phase.peak = max(phase.peak, held(process.pid))
            phase.seconds = time.perf_counter() - since
            if phase is cutting and (out.with_name(f"{out.name}.work") / "complete.json").exists():
                if cut_only:
                    process.terminate()
                    return cutting, training
                phase, since = training, time.perf_counter()
            time.sleep(0.1)
    if process.returncode:
        sys.exit(process.returncode)
    return cutting, training


def main() -> None:
    """Train with one and with two processes, cut the copies, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--vocab-size", type=int, default=16_000)
    parser.add_argument("--copies", type=int, default=10)
    arguments = parser.parse_args()
    size = sum(path.stat().st_size for path in arguments.files)
    print(f"{len(arguments.files)} files, {size / 1e6:.1f} MB on disk, {arguments.vocab_size:,} pieces")
    with tempfile.TemporaryDirectory() as folder:
        digests = set()
        cuttings = []
        for workers in (1, 2):
            out = Path(folder) / f"workers{workers}"
            cutting, training = train(arguments.files, out, arguments.vocab_size, workers)
            cuttings.append(cutting)
            digests.add(hashlib.sha256((out / "spm.model").read_bytes()).hexdigest())
            print(f"{workers} workers: cutting {cutting}   training {training}")
        print(f"cutting with two processes: {cuttings[0].seconds / cuttings[1].seconds:.2f} times as fast")
        print("models are the same" if len(digests) == 1 else "MODELS DIFFER")
        copies = []
        for number in range(arguments.copies):
            for path in arguments.files:
                copies.append(Path(folder) / f"{number}-{path.name}")
                shutil.copyfile(path, copies[-1])
        many, _ = train(copies, Path(folder) / "copies", arguments.vocab_size, 2, cut_only=True)
        print(f"{arguments.copies} copies, 2 workers: cutting {many}, memory {many.peak / cuttings[1].peak:.2f} times")


if __name__ == "__main__":
    main()
