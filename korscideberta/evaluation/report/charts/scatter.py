"""Points, some with their names beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from korscideberta.evaluation.report.charts.frame import Box, axes, chart, hover, label, place_labels
from korscideberta.evaluation.report.charts.scale import Scale
from korscideberta.evaluation.report.html import Child, Markup, fitted, tag

WIDTH, HEIGHT = 460.0, 320.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 48.0, 16.0, 34.0, 50.0
_RADIUS = 4.0


@dataclass(frozen=True)
class Point:
    """A point with what it is called and what is told about it when the pointer rests on it."""

    x: float
    y: float
    name: str
    about: str


def scatter(key: str, title: str, description: str, points: Sequence[Point], *, x_label: str, y_label: str) -> Markup:
    """Draw points of counts (x, logarithmic) and shares (y); names stand beside them while there is room."""
    counts = [max(point.x, 1) for point in points]
    x = Scale(max(min(counts) / 1.3, 0.5), max(counts) * 1.3, _LEFT, WIDTH - _RIGHT, log=True)
    y = Scale(0, 1, HEIGHT - _BOTTOM, _TOP)
    places = [(x(max(point.x, 1)), y(point.y)) for point in points]
    parts: list[Child] = [axes(x, y, x_label, y_label)]
    for point, (at_x, at_y) in zip(points, places, strict=True):
        parts.append(tag("circle", hover(point.about), cx=at_x, cy=at_y, r=_RADIUS, class_="dot series-0"))
    taken = [Box(a - _RADIUS, b - _RADIUS, a + _RADIUS, b + _RADIUS) for a, b in places]
    wanted = [(a, b, fitted(point.name, 110, 13)) for point, (a, b) in zip(points, places, strict=True)]
    limits = Box(_LEFT, _TOP - 12, WIDTH, HEIGHT - _BOTTOM)
    for at_x, at_y, anchor, text in place_labels(wanted, taken, limits):
        parts.append(label(at_x, at_y, text, anchor=anchor))
    return chart(key, title, description, WIDTH, HEIGHT, parts)
