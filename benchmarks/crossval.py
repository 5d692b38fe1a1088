"""Cross-validation beside the baselines on the same folds, and the comparison, with the time each takes.

usage: python benchmarks/crossval.py statutes|ynat DATA OUT [options of korsci cv]

DATA is the folder with train.csv (and dev.csv). `statutes`: all rows, an act and its decrees as one group by their
names; `ynat`: the first 4,000 training rows.
"""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import time
from pathlib import Path

KORSCI = [sys.executable, "-m", "korscideberta"]
OF_AN_ACT = re.compile(r"\s*(시행령|시행규칙)$")
COLUMNS = {
    "statutes": ["--text", "name,purpose", "--label", "ministry", "--group", "act"],
    "ynat": ["--text", "title", "--label", "topic"],
}


def main() -> None:
    """Write the table, then run `korsci cv`, `baseline` and `compare`."""
    if "--help" in sys.argv:
        print(__doc__)
        return
    if len(sys.argv) < 4 or sys.argv[1] not in COLUMNS:
        sys.exit(__doc__)
    name, data, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    table = out / f"{name}.csv"
    write_table(table, statutes(data) if name == "statutes" else rows_of(data / "train.csv")[:4000])
    timed("cv", "classify", "--data", str(table), *COLUMNS[name], "--out", str(out / "cv"), *sys.argv[4:])
    timed("baseline", "--like", str(out / "cv"), "--out", str(out / "baseline"))
    baselines = [str(out / "baseline" / kind) for kind in ("tfidf-char", "tfidf-morph", "majority")]
    timed("compare", str(out / "cv"), *baselines, "--output", str(out / "comparison.json"))


def statutes(data: Path) -> list[dict[str, str]]:
    """Return the rows of train and dev with the name of the act that each statute belongs to."""
    rows = rows_of(data / "train.csv") + rows_of(data / "dev.csv")
    return [{**row, "act": OF_AN_ACT.sub("", row["name"])} for row in rows]


def rows_of(path: Path) -> list[dict[str, str]]:
    """Read a CSV file."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write_table(path: Path, rows: list[dict[str, str]]) -> None:
    """Write rows as CSV."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def timed(*arguments: str) -> None:
    """Run a command of the program and tell how long it took."""
    start = time.perf_counter()
    subprocess.run([*KORSCI, "--quiet", *arguments], check=True)
    print(f"korsci {arguments[0]} took {(time.perf_counter() - start) / 60:.1f} minutes\n", flush=True)


if __name__ == "__main__":
    main()
