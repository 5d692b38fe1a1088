"""Columns with intervals, and the small bar in which a table shows a figure with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from korscideberta.evaluation.report.charts.frame import chart, hover, label, line
from korscideberta.evaluation.report.charts.scale import Scale
from korscideberta.evaluation.report.html import Child, Markup, tag

WIDTH, HEIGHT = 440.0, 280.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 10.0, 38.0, 66.0
_BAR_WIDTH, _BAR_HEIGHT = 150.0, 18.0


@dataclass(frozen=True)
class Column:
    """A share with its interval."""

    name: str
    value: float
    interval: tuple[float, float]
    below: str
    """A second line under the name."""
    about: str


def columns(key: str, title: str, description: str, bars: Sequence[Column], *, x_label: str, y_label: str) -> Markup:
    """Draw shares as columns that bear their values and intervals."""
    y = Scale(0, 1, HEIGHT - _BOTTOM, _TOP)
    parts: list[Child] = [label(4, _TOP - 20, y_label, class_="name")]
    for value in y.ticks():
        parts += [
            line(_LEFT, y(value), WIDTH - _RIGHT, y(value), "grid"),
            label(_LEFT - 6, y(value) + 4, f"{value:.1f}", anchor="end", class_="tick"),
        ]
    room = (WIDTH - _LEFT - _RIGHT) / len(bars)
    wide = min(room * 0.6, 60)
    for place, bar in enumerate(bars):
        middle = _LEFT + room * (place + 0.5)
        low, high = (y(end) for end in bar.interval)
        parts.append(
            tag(
                "g",
                hover(bar.about),
                tag("rect", x=middle - wide / 2, y=y(bar.value), width=wide, height=y(0) - y(bar.value), class_="bar"),
                line(middle, low, middle, high, "whisker"),
                line(middle - 6, low, middle + 6, low, "whisker"),
                line(middle - 6, high, middle + 6, high, "whisker"),
                label(middle, high - 6, f"{bar.value:.2f}", anchor="middle"),
                label(middle, HEIGHT - _BOTTOM + 18, bar.name, anchor="middle", class_="tick"),
                label(middle, HEIGHT - _BOTTOM + 35, bar.below, anchor="middle", class_="small"),
            )
        )
    parts += [
        line(_LEFT, y(0), WIDTH - _RIGHT, y(0), "axis"),
        label((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 6, x_label, anchor="middle", class_="name"),
    ]
    return chart(key, title, description, WIDTH, HEIGHT, parts)


def interval_bar(value: float, interval: tuple[float, float] | None, other: float | None, about: str) -> Markup:
    """Draw a share between 0 and 1 as a dot on its interval; `other`, a figure to beat, is an upright line."""
    x = Scale(0, 1, 6, _BAR_WIDTH - 6)
    middle = _BAR_HEIGHT / 2
    parts: list[Child] = [hover(about), line(x(0), middle, x(1), middle, "grid")]
    if other is not None:
        parts.append(line(x(other), 2, x(other), _BAR_HEIGHT - 2, "mark"))
    if interval is not None:
        parts.append(line(x(interval[0]), middle, x(interval[1]), middle, "interval"))
    parts.append(tag("circle", cx=x(value), cy=middle, r=4, class_="dot series-0"))
    return tag(
        "svg", parts, class_="inline", viewBox=f"0 0 {_BAR_WIDTH:g} {_BAR_HEIGHT:g}", role="img", aria_label=about
    )
