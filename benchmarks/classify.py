"""A nano model from scratch on your own table, beside TF-IDF + logistic regression and the majority class.

usage: python benchmarks/classify.py --train F --dev F --text COLUMNS --label COLUMN --out DIR [korsci train options]

Trains with `korsci train classify`, scores with `korsci eval --baseline --top-k 3`, and prints how long training took.
"""

from __future__ import annotations

import subprocess
import sys
import time

KORSCI = [sys.executable, "-m", "korscideberta"]


def main() -> None:
    """Train, score and print."""
    arguments = sys.argv[1:]
    if "--help" in arguments:
        print(__doc__)
        return
    if "--out" not in arguments:
        sys.exit(__doc__)
    out = arguments[arguments.index("--out") + 1]
    start = time.perf_counter()
    subprocess.run([*KORSCI, "train", "classify", *arguments], check=True)
    print(f"\ntraining took {(time.perf_counter() - start) / 60:.1f} minutes")
    subprocess.run([*KORSCI, "--quiet", "eval", out, "--split", "dev", "--top-k", "3", "--baseline"], check=True)


if __name__ == "__main__":
    main()
