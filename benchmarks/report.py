"""The tables that benchmarks wrote as one Markdown page with plots.

usage: python benchmarks/report.py FOLDER [--out FILE.md]

FOLDER has a .json file of each benchmark, written with their --json. The page (default FOLDER/RESULTS.md) has a table a
benchmark, with its machine and command line; the plots are written into FOLDER as .svg files: for each benchmark its
ratios, and each plot of benchmarks/scaling.py.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from _plots import curves, ratios
from _table import HEADER, Row, describe, row_of
from korscideberta.files import replacing

INTRODUCTION = """# Results of the benchmarks

Rendered by `benchmarks/report.py` from the files that the scripts wrote. A *ratio* above 1 says that ours is better,
whatever the unit; *asked* is the ratio the project sets itself as the least; *share* is our peak memory as a share of
the peer's. Each script's own help says what is measured and how: `python benchmarks/NAME.py --help`.
"""


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """The files' contents by benchmark, in the order of their names."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            found[content["benchmark"]] = {**content, "rows": [row_of(row) for row in content["rows"]]}
        except (ValueError, KeyError, TypeError) as error:
            sys.exit(f"{path}: not written by a benchmark's --json ({error!r})")
    if not found:
        sys.exit(f"{folder}: no .json files; run the benchmarks with --json {folder}/NAME.json")
    return found


def plots(name: str, rows: list[Row]) -> Iterator[tuple[str, str, str]]:
    """File name, description and content of each plot of a benchmark."""
    plain = [row for row in rows if row.chart is None]
    if any(row.ratio for row in plain):
        yield f"{name}.svg", f"Ratios of {name}", ratios(f"{name}: how many times as good as the peer", plain)
    for chart in dict.fromkeys(row.chart for row in rows if row.chart):
        points = [row for row in rows if row.chart == chart and row.x is not None and (row.peer or row.ours)]
        if points:
            title = f"{points[0].unit} against {chart}"
            yield f"{name}-{re.sub('[^a-z0-9]+', '-', chart.lower())}.svg", title, curves(title, points)


def section(content: dict[str, Any]) -> list[str]:
    """Heading, machine and table of a benchmark."""
    machine = content["machine"]
    lines = [f"## {content['benchmark']}", "", f"{content['about']}.", ""]
    lines += [f"{describe(machine)}; commit {machine.get('commit', 'unknown')}, {machine['date'][:10]}", ""]
    lines += [f"`{machine['command']}`", ""]
    lines += [f"| unit [peer] | {' | '.join(HEADER)} |", "|---|" + "--:|" * len(HEADER)]
    for row in content["rows"]:
        cells = [row.label, *row.cells]
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    notes = [f"* {row.name}: {row.note}" for row in content["rows"] if row.note]
    return [*lines, *(["", *notes] if notes else []), ""]


def page(folder: Path, out: Path) -> None:
    """Write the plots and the page."""
    text = [*INTRODUCTION.splitlines(), ""]
    for name, content in read(folder).items():
        text += section(content)
        for file, about, svg in plots(name, content["rows"]):
            with replacing(folder / file) as temporary:
                temporary.write_text(svg, encoding="utf-8")
            text += [f"![{about}]({Path(os.path.relpath(folder / file, out.parent)).as_posix()})", ""]
    with replacing(out) as temporary:
        temporary.write_text("\n".join(text).rstrip() + "\n", encoding="utf-8")


def main() -> None:
    """Read the folder and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--out", type=Path, metavar="FILE.md")
    options = parser.parse_args()
    out = options.out or options.folder / "RESULTS.md"
    page(options.folder, out)
    print(out)


if __name__ == "__main__":
    main()
