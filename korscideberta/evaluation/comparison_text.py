"""A comparison of runs as text for the terminal."""

from __future__ import annotations

from pathlib import Path

from korscideberta.evaluation.compare import Comparison, Report, p_text
from korscideberta.evaluation.tables import text_table

FIELDS_SHOWN = 40


def comparison_text(report: Report) -> str:
    """Lay out the figures of all systems, then for each comparison its differences, fields and verdict."""
    short = _short_names(list(report.figures))
    rows = [["", *(short[name] for name in report.figures)]]
    for figure in next(iter(report.figures.values())):
        cells = [found[figure] for found in report.figures.values()]
        rows.append([figure, *(f"{value:.4f} [{low:.4f}, {high:.4f}]" for value, low, high in cells)])
    grouped = f" in {report.groups:,} groups" if report.groups < report.documents else ""
    level = f", {report.level} fields" if report.level else ""
    heading = (
        f"{report.documents:,} documents{grouped}{level}, k = {report.k}; "
        f"95 % intervals of {report.resamples:,} resamples"
    )
    first = short[next(iter(report.figures))]
    blocks = [_comparison(first, short[one.other], one) for one in report.comparisons]
    return "\n\n".join([f"{text_table(rows)}\n{heading}", *blocks])


def _comparison(first: str, other: str, found: Comparison) -> str:
    rows = [[f"{first} − {other}", "difference", "95 % interval", "p"]]
    for name, one in found.figures.items():
        rows.append([name, f"{one.value:+.4f}", f"{one.low:+.4f} to {one.high:+.4f}", f"{one.p:.4f}"])
    lines = [text_table(rows)]
    if found.mcnemar_p is not None:
        lines.append(
            f"McNemar: {found.only_first:,} documents right in {first} alone, {found.only_other:,} in {other} alone, "
            f"{p_text(found.mcnemar_p)} (takes every document for itself, near-duplicates too)"
        )
    lines += ["", *_fields(first, other, found), "", found.verdict]
    return "\n".join(lines)


def _fields(first: str, other: str, found: Comparison) -> list[str]:
    rows = [["F1 by field", "documents", first, other, "difference", "95 % interval"]]
    shown = list(found.fields.items())[:FIELDS_SHOWN]
    for label, numbers in shown:
        interval = "" if numbers["low"] is None else f"{numbers['low']:+.4f} to {numbers['high']:+.4f}"
        cells = [numbers["first"], numbers["other"]]
        difference = numbers["difference"]
        rows.append(
            [
                label,
                f"{numbers['support']:,}",
                *("" if cell is None else f"{cell:.4f}" for cell in cells),
                "" if difference is None else f"{difference:+.4f}",
                interval,
            ]
        )
    rest = len(found.fields) - len(shown)
    more = f"; {rest:,} rarer fields are in the JSON output" if rest else ""
    return [text_table(rows), f"not corrected for there being {len(found.fields):,} fields{more}"]


def _short_names(paths: list[str]) -> dict[str, str]:
    """Name each run by as few of the last parts of its path as tell it from the others."""
    parts = {path: Path(path).parts for path in paths}
    length = 1
    while len({one[-length:] for one in parts.values()}) < len(paths):
        length += 1
    return {path: "/".join(one[-length:]) for path, one in parts.items()}
