"""A confusion matrix: rows are gold labels, columns predicted ones; cells bear their counts."""

# Shapes: C labels

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from korscideberta.evaluation.report.charts.frame import chart, hover, label, line
from korscideberta.evaluation.report.html import Child, Markup, fitted, tag, text_width

_CELL_FEW, _CELL_MANY = 34.0, 24.0
_FEW = 14
_TEXT, _COUNT = 12.0, 11.0
_LONGEST_ROW, _LONGEST_COLUMN = 190.0, 92.0
_STEEP = 60


def matrix(
    key: str,
    title: str,
    description: str,
    counts_CC: NDArray[np.int64],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    gold: str,
    predicted: str,
) -> tuple[Markup, float]:
    """Draw a matrix whose shades are shares of the row; the diagonal is framed, so that it is found without colour.

    Args:
        key: unique in the page.
        title: what the chart is.
        description: what it shows.
        counts_CC: documents by gold and predicted label.
        rows: names of the labels at the rows.
        columns: short names of the same labels at the columns.
        gold: the word for gold label.
        predicted: the word for predicted label.

    Returns:
        The chart, and its width in units: what is drawn smaller than that cannot be read.
    """
    size = _CELL_FEW if len(rows) <= _FEW else _CELL_MANY
    shown_rows = [fitted(name, _LONGEST_ROW, _TEXT) for name in rows]
    shown_columns = [fitted(name, _LONGEST_COLUMN, _TEXT) for name in columns]
    widest = max(text_width(name, _TEXT) for name in shown_columns)
    upright = widest <= size - 2
    left = max(text_width(name, _TEXT) for name in shown_rows) + 14
    top = 34 + (_TEXT if upright else widest * 0.87 + 8)
    width = left + size * len(columns) + (8 if upright else 8 + widest * 0.5)
    height = top + size * len(rows) + 8
    parts: list[Child] = [
        label(left, 14, f"{predicted} →", class_="name"),
        label(2, top - 6, f"{gold} ↓", class_="name"),
    ]
    totals = counts_CC.sum(axis=1)
    for place, (row, column) in enumerate(zip(shown_rows, shown_columns, strict=True)):
        middle = place * size + size / 2
        parts.append(label(left - 6, top + middle + 4, row, anchor="end", class_="small"))
        if upright:
            parts.append(label(left + middle, top - 6, column, anchor="middle", class_="small"))
        else:
            parts.append(label(left + middle + 3, top - 6, column, class_="small", rotate=-_STEEP))
        parts.append(line(left, top + place * size, left + size * len(columns), top + place * size, "grid"))
    for i, j in np.argwhere(counts_CC).tolist():
        count, share = int(counts_CC[i, j]), float(counts_CC[i, j] / totals[i])
        x, y = left + j * size, top + i * size
        text = f"{gold} {rows[i]} → {predicted} {rows[j]}: {count:,} ({share:.0%})"
        cell = tag("rect", x=x, y=y, width=size, height=size, class_="cell", fill_opacity=round(0.08 + 0.92 * share, 2))
        shown = f"{count}" if count < 1000 else f"{count / 1000:.0f}k"
        inked = "count on" if share > 0.5 else "count"
        parts.append(
            tag("g", hover(text), cell, label(x + size / 2, y + size / 2 + 4, shown, anchor="middle", class_=inked))
        )
    for place in range(len(rows)):
        at = left + place * size, top + place * size
        parts.append(tag("rect", x=at[0], y=at[1], width=size, height=size, class_="diagonal"))
    return chart(key, title, description, round(width), round(height), parts, class_="chart matrix"), round(width)
