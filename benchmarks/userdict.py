"""Time and memory of compiling a user dictionary of many words.

    python benchmarks/userdict.py [--words 6000000]

Words are random compounds, two or three of 4,000 random Hangul stems of two syllables. Memory is
the largest sum of resident sets of the program and its child, sampled ten times a second (Linux).
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from korscideberta.unicode import FIRST_SYLLABLE, LAST_SYLLABLE


def write_words(path: Path, count: int, seed: int = 0) -> None:
    """Write `count` different words, one a line."""
    draw = random.Random(seed)
    stems = ["".join(chr(draw.randint(FIRST_SYLLABLE, LAST_SYLLABLE)) for _ in range(2)) for _ in range(4000)]
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            # The number in base 4,000 makes each word differ from the others; the order is that of a sorted list.
            first, rest = divmod(number, 4000)
            parts = [stems[first % 4000], stems[rest]]
            parts += draw.choices(stems, k=draw.randint(0, 1))
            file.write("".join(parts) + "\n")


def resident(pid: int) -> int:
    """Bytes held by a process and its children; 0 for one that has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError):
        return 0
    return pages * 4096 + sum(resident(int(child)) for child in children)


def main() -> None:
    """Write the words, compile them and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--words", type=int, default=6_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        nouns, out = Path(folder) / "nouns.txt", Path(folder) / "user.dic"
        write_words(nouns, arguments.words)
        started, peak = time.perf_counter(), 0
        command = [sys.executable, "-m", "korscideberta", "tokenizer", "userdict", str(nouns), "--out", str(out)]
        with subprocess.Popen(command) as process:
            while process.poll() is None:
                peak = max(peak, resident(process.pid))
                time.sleep(0.1)
        if process.returncode:
            sys.exit(process.returncode)
        seconds = time.perf_counter() - started
        print(
            f"{arguments.words:,} words: {seconds:.0f} s, peak memory {peak / 1e9:.2f} GB, "
            f"{out.stat().st_size / 1e6:.0f} MB compiled"
        )


if __name__ == "__main__":
    main()
