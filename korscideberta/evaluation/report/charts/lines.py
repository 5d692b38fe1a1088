"""Curves: how figures went while a model was trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from korscideberta.evaluation.report.charts.frame import DASHES, axes, chart, hover, label, spread
from korscideberta.evaluation.report.charts.scale import Scale, around, tick_text
from korscideberta.evaluation.report.html import Child, Markup, fitted, tag

WIDTH, HEIGHT = 440.0, 280.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 12.0, 34.0, 50.0
_LABELS = 96.0
_MOST_MARKS = 60


@dataclass(frozen=True)
class Series:
    """A named line through points whose x rises."""

    name: str
    points: tuple[tuple[float, float], ...]
    best: int | None = None
    """Which point is marked out; None is none."""


def lines(
    key: str,
    title: str,
    description: str,
    series: Sequence[Series],
    *,
    x_label: str,
    y_label: str,
    from_zero: bool = False,
) -> Markup:
    """Draw lines that differ in pattern and, where there are several, bear their names at the end."""
    named = len(series) > 1
    values = [y for one in series for _, y in one.points]
    steps = [x for one in series for x, _ in one.points]
    x = Scale(min(0.0, *steps), max(*steps, 1.0), _LEFT, WIDTH - _RIGHT - (_LABELS if named else 0))
    y = Scale(*around(values, from_zero=from_zero), HEIGHT - _BOTTOM, _TOP)
    parts: list[Child] = [axes(x, y, x_label, y_label)]
    ends = spread([y(one.points[-1][1]) for one in series], 16, _TOP, HEIGHT - _BOTTOM)
    for place, (one, end) in enumerate(zip(series, ends, strict=True)):
        colour = f"series-{place % len(DASHES)}"
        path = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in one.points)
        parts.append(
            tag("polyline", points=path, class_=f"line {colour}", stroke_dasharray=DASHES[place % len(DASHES)])
        )
        every = max(1, len(one.points) // _MOST_MARKS)
        for index, (step, value) in enumerate(one.points):
            if index % every and index != one.best:
                continue
            text = f"{one.name}: {x_label} {tick_text(step)}, {y_label} {value:.4f}"
            parts.append(tag("circle", hover(text), cx=x(step), cy=y(value), r=3, class_=f"dot {colour}"))
        if one.best is not None:
            step, value = one.points[one.best]
            parts.append(tag("circle", cx=x(step), cy=y(value), r=7, class_=f"ring {colour}"))
            if not named:
                anchor = "end" if x(step) > (x.start + x.end) / 2 else "start"
                parts.append(label(x(step), y(value) - 12, f"{value:.3f}", anchor=anchor))
        if named:
            parts.append(label(x.end + 6, end + 4, fitted(one.name, _LABELS - 6, 13), class_=f"label {colour}"))
    return chart(key, title, description, WIDTH, HEIGHT, parts)
