"""Figures as text tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_COUNTS = ("documents", "k")


def figures_table(figures: Mapping[str, Mapping[str, float]]) -> str:
    """Lay out figures with a line a figure and a column a split; majority figures stand beside the model's own."""
    columns = list(figures)
    names = [
        name for name in next(iter(figures.values()), {}) if name not in _COUNTS and not name.startswith("majority_")
    ]
    header = ["", *(cell for split in columns for cell in (split, "majority"))]
    rows = [
        [name, *(f"{figures[split][key]:.4f}" for split in columns for key in (name, f"majority_{name}"))]
        for name in names
    ]
    for count in _COUNTS:
        rows.append([count, *(cell for split in columns for cell in (str(figures[split][count]), ""))])
    return text_table([header, *rows])


def spread_table(figures: Mapping[str, Mapping[str, float]], seeds: Sequence[int]) -> str:
    """Lay out means and standard deviations (NAME_sd) over runs with several seeds, a line a figure."""
    columns = list(figures)
    first = next(iter(figures.values()))
    names = [name for name in first if f"{name}_sd" in first and not name.startswith("majority_")]
    rows = [["", *columns]]
    for name in names:
        rows.append([name, *(f"{figures[split][name]:.4f} ± {figures[split][f'{name}_sd']:.4f}" for split in columns)])
    for count in _COUNTS:
        rows.append([count, *(str(figures[split][count]) for split in columns)])
    return f"{text_table(rows)}\nmean ± standard deviation over the seeds {', '.join(map(str, seeds))}"


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


def comparison_table(figures: Mapping[str, Mapping[str, float]]) -> str:
    """Lay out the figures of several systems on the same documents, the majority class last."""
    first = next(iter(figures.values()))
    names = [name for name in first if name not in _COUNTS and not name.startswith("majority_")]
    rows = [["", *figures, "majority"]]
    for name in names:
        rows.append([name, *(f"{system[name]:.4f}" for system in figures.values()), f"{first[f'majority_{name}']:.4f}"])
    return f"{text_table(rows)}\n{first['documents']:,} documents, k = {first['k']}"
