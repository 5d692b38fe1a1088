"""Figures as text tables for the terminal.

A whole number among the figures is a count, such as the number of documents; `majority_NAME` is the baseline of NAME.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_BASELINE = "majority_"


def figures_table(figures: Mapping[str, Mapping[str, float]]) -> str:
    """Lay out figures with a line a figure and a column a split; majority figures stand beside the model's own."""
    columns = list(figures)
    first = next(iter(figures.values()), {})
    beside = any(name.startswith(_BASELINE) for name in first)
    header = ["", *(cell for split in columns for cell in ((split, "majority") if beside else (split,)))]
    rows = [header]
    for name in _figures(first):
        cells = [
            cell
            for split in columns
            for cell in (
                f"{figures[split][name]:.4f}",
                *((_decimal(figures[split].get(_BASELINE + name)),) if beside else ()),
            )
        ]
        rows.append([name, *cells])
    for count in _counts(first):
        rows.append(
            [count, *(cell for split in columns for cell in (str(figures[split][count]), *(("",) if beside else ())))]
        )
    return text_table(rows)


def spread_table(figures: Mapping[str, Mapping[str, float]], seeds: Sequence[int]) -> str:
    """Lay out means and standard deviations (NAME_sd) over runs with several seeds, a line a figure."""
    columns = list(figures)
    first = next(iter(figures.values()))
    rows = [["", *columns]]
    for name in _figures(first):
        if f"{name}_sd" in first:
            rows.append(
                [name, *(f"{figures[split][name]:.4f} ± {figures[split][f'{name}_sd']:.4f}" for split in columns)]
            )
    for count in _counts(first):
        rows.append([count, *(str(figures[split][count]) for split in columns)])
    return f"{text_table(rows)}\nmean ± standard deviation over the seeds {', '.join(map(str, seeds))}"


def comparison_table(figures: Mapping[str, Mapping[str, float]]) -> str:
    """Lay out the figures of several systems on the same documents, the majority class last where there is one."""
    first = next(iter(figures.values()))
    beside = any(name.startswith(_BASELINE) for name in first)
    rows = [["", *figures, *(("majority",) if beside else ())]]
    for name in _figures(first):
        cells = [f"{system[name]:.4f}" for system in figures.values()]
        rows.append([name, *cells, *((_decimal(first.get(_BASELINE + name)),) if beside else ())])
    counts = ", ".join(f"{first[name]:,} {name}" if name != "k" else f"k = {first[name]}" for name in _counts(first))
    return f"{text_table(rows)}\n{counts}"


def interval_table(figures: Mapping[str, Mapping[str, float]]) -> str:
    """Lay out the figures of one split with the ends of their intervals, NAME_low and NAME_high, and the majority's."""
    ((split, found),) = figures.items()
    rows = [["", split, "95 % interval", "majority"]]
    for name in _figures(found):
        if f"{name}_low" in found:
            ends = f"{found[f'{name}_low']:.4f} – {found[f'{name}_high']:.4f}"
            rows.append([name, f"{found[name]:.4f}", ends, _decimal(found.get(_BASELINE + name))])
    for count in _counts(found):
        rows.append([count, str(found[count]), "", ""])
    return text_table(rows)


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Align cells in columns: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _figures(figures: Mapping[str, float]) -> list[str]:
    return [name for name, value in figures.items() if not isinstance(value, int) and not name.startswith(_BASELINE)]


def _counts(figures: Mapping[str, float]) -> list[str]:
    """Names of the counts, that of the documents first."""
    return sorted((name for name, value in figures.items() if isinstance(value, int)), key=lambda name: name == "k")


def _decimal(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
