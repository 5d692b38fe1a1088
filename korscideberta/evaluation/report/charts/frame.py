"""What charts share: the accessible outer element, axes with grid lines, labels that keep out of each other's way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from korscideberta.evaluation.report.charts.scale import Scale, tick_text
from korscideberta.evaluation.report.html import Child, Markup, join, tag, text_width

TEXT = 13.0
"""Font size of charts, in units of their view box."""

DASHES = (None, "7 4", "2 3", "9 3 2 3", "12 4", "4 2 1 2")
"""Line patterns, so that lines are told apart without colour."""


def chart(
    key: str, title: str, description: str, width: float, height: float, *content: Child, class_: str = "chart"
) -> Markup:
    """Return an SVG element that tells its title and description to who cannot see it.

    Args:
        key: unique in the page.
        title: what the chart is.
        description: what it shows, in a sentence.
        width: of the view box; the page scales it.
        height: of the view box.
        content: what is drawn.
        class_: class of the element.
    """
    return tag(
        "svg",
        tag("title", title, id=f"{key}-title"),
        tag("desc", description, id=f"{key}-desc"),
        content,
        class_=class_,
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_labelledby=f"{key}-title {key}-desc",
    )


def hover(text: str) -> Markup:
    """The text a browser shows when the pointer rests on the parent element."""
    return tag("title", text)


def label(x: float, y: float, text: str, *, anchor: str = "start", class_: str = "label", rotate: float = 0) -> Markup:
    """A line of text; `anchor` is the side of `x` it stands on: start, middle or end."""
    return tag(
        "text",
        text,
        x=x,
        y=y,
        text_anchor=None if anchor == "start" else anchor,
        class_=class_,
        transform=f"rotate({rotate:g} {x:g} {y:g})" if rotate else None,
    )


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def axes(x: Scale, y: Scale, x_label: str, y_label: str, *, x_ticks: Sequence[float] | None = None) -> Markup:
    """Grid lines, ticks and names of both axes; the y axis's name stands above it."""
    bottom, left = y.start, x.start
    parts: list[Child] = []
    for value in y.ticks():
        parts += [
            line(left, y(value), x.end, y(value), "grid"),
            label(left - 6, y(value) + TEXT / 3, tick_text(value), anchor="end", class_="tick"),
        ]
    shown = x.ticks() if x_ticks is None else x_ticks
    room = (x.end - x.start) / max(1, len(shown) - 1)
    crowded = max((text_width(tick_text(value), TEXT) for value in shown), default=0) + 8 > room
    for place, value in enumerate(shown):
        parts.append(line(x(value), bottom, x(value), bottom + 4, "axis"))
        if not (crowded and place % 2):
            parts.append(label(x(value), bottom + 18, tick_text(value), anchor="middle", class_="tick"))
    parts += [
        line(left, bottom, x.end, bottom, "axis"),
        label((x.start + x.end) / 2, bottom + 38, x_label, anchor="middle", class_="name"),
        label(4, y.end - 14, y_label, class_="name"),
    ]
    return join(parts)


@dataclass(frozen=True)
class Box:
    """A rectangle that something is drawn in."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether two boxes share a point."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def place_labels(
    points: Sequence[tuple[float, float, str]], taken: Sequence[Box], limits: Box
) -> list[tuple[float, float, str, str]]:
    """Put labels beside points where they meet nothing; one that finds no place is left out.

    Args:
        points: x, y and text, the most important first.
        taken: what must not be covered.
        limits: what labels must stay in.

    Returns:
        x, y, anchor and text of each label that found a place.
    """
    boxes = list(taken)
    placed = []
    for x, y, text in points:
        width = text_width(text, TEXT)
        for at, base, anchor in (
            (x + 7, y + 4, "start"),
            (x - 7, y + 4, "end"),
            (x, y - 8, "middle"),
            (x, y + 18, "middle"),
        ):
            left = at - {"start": 0, "middle": width / 2, "end": width}[anchor]
            box = Box(left, base - TEXT + 2, left + width, base + 3)
            inside = (
                limits.left <= box.left
                and box.right <= limits.right
                and limits.top <= box.top
                and box.bottom <= limits.bottom
            )
            if inside and not any(box.meets(other) for other in boxes):
                boxes.append(box)
                placed.append((at, base, anchor, text))
                break
    return placed


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move places on a line apart until neighbours keep a distance; order is kept."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved = list(places)
    for before, here in pairwise(order):
        moved[here] = max(moved[here], moved[before] + gap)
    if order and moved[order[-1]] > high:
        moved[order[-1]] = max(high, low)
        for here, before in pairwise(order[::-1]):
            moved[before] = min(moved[before], moved[here] - gap)
    return moved
