"""Plots of benchmark rows as SVG files, on logarithmic axes: ratios as bars, time against size as lines."""

from __future__ import annotations

from collections.abc import Sequence

from _table import Row, figure
from korscideberta.evaluation.report.charts.frame import DASHES, axes, chart, label, line, spread
from korscideberta.evaluation.report.charts.scale import Scale
from korscideberta.evaluation.report.html import Child, Markup, fitted, tag, text_width

WIDTH = 860.0
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1b2430; } .tick, .name { fill: #586374; }
.paper { fill: #fff; } .grid { stroke: #d6dbe2; } .axis, .one { stroke: #586374; }
.asked { stroke: #1b2430; stroke-width: 2; }
.better { fill: #1f5fa8; } .worse { fill: #b3480f; } .line { fill: none; stroke-width: 2; }
.series-0 { stroke: #1f5fa8; } .series-1 { stroke: #b3480f; } .series-2 { stroke: #22733c; }
.series-3 { stroke: #7a3a9c; } .series-4 { stroke: #8a6400; } .series-5 { stroke: #00696e; }
circle.series-0 { fill: #1f5fa8; } circle.series-1 { fill: #b3480f; } circle.series-2 { fill: #22733c; }
circle.series-3 { fill: #7a3a9c; } circle.series-4 { fill: #8a6400; } circle.series-5 { fill: #00696e; }
"""


def ratios(title: str, rows: Sequence[Row]) -> str:
    """Bars from 1 to the ratio of each row that has one; an upright stroke is the ratio asked for."""
    shown = [(row, row.ratio) for row in rows if row.ratio]
    values = [value for row, ratio in shown for value in (ratio, row.asked or 1.0)]
    left, step, top = 430.0, 24.0, 40.0
    bottom = top + step * len(shown)
    x = Scale(min(values) / 1.2, max(values) * 1.2, left, WIDTH - 60, log=True)
    parts: list[Child] = []
    for value in x.ticks():
        parts += [line(x(value), top, x(value), bottom, "grid"), _tick(x(value), bottom + 18, f"{value:g}")]
    for place, (row, ratio) in enumerate(shown):
        y = top + step * (place + 0.5)
        ends = sorted((x(1), x(ratio)))
        parts += [
            label(left - 8, y + 4, fitted(f"{row.name} [{row.against}]", left - 16, 13), anchor="end"),
            tag("rect", x=ends[0], y=y - 8, width=ends[1] - ends[0], height=16, class_=_side(ratio)),
            label(ends[1] + 6, y + 4, f"{ratio:.2f}"),
        ]
        if row.asked:
            parts.append(line(x(row.asked), y - 11, x(row.asked), y + 11, "asked"))
    parts.append(line(x(1), top, x(1), bottom, "one"))
    about = "Bars that end to the right of 1 say that ours is better; an upright stroke is what is asked for."
    return _document("ratios", title, about, bottom + 30, parts)


def curves(title: str, rows: Sequence[Row]) -> str:
    """Lines of ours and of each peer through the rows of one plot."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row.x is None:
            continue
        for name, value in ((f"ours, {row.name}", row.ours), (f"{row.against}, {row.name}", row.peer)):
            if value:
                lines.setdefault(name, []).append((row.x, value))
    names_differ = len({row.name for row in rows}) > 1
    xs, ys = (sorted({point[axis] for points in lines.values() for point in points}) for axis in (0, 1))
    height, labels = 340.0, 300.0
    x = Scale(xs[0] / 1.1, xs[-1] * 1.1, 64, WIDTH - labels, log=True)
    y = Scale(ys[0] / 1.3, ys[-1] * 1.3, height - 50, 64, log=True)
    parts: list[Child] = [axes(x, y, rows[0].chart or "", rows[0].unit, x_ticks=_apart(xs, x))]
    ends = spread([y(points[-1][1]) for points in lines.values()], 16, 64, height - 50)
    for place, ((name, points), end) in enumerate(zip(lines.items(), ends, strict=True)):
        colour = f"series-{place % 6}"
        path = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in sorted(points))
        dash = DASHES[place % len(DASHES)]
        parts.append(tag("polyline", points=path, class_=f"line {colour}", stroke_dasharray=dash))
        parts += [tag("circle", cx=x(at), cy=y(value), r=3, class_=colour) for at, value in points]
        shown = name if names_differ else name.partition(", ")[0]
        parts.append(label(x.end + 8, end + 4, fitted(shown, labels - 12, 13)))
    last = "; ".join(f"{name}: {figure(points[-1][1])} {rows[0].unit}" for name, points in lines.items())
    return _document("curves", title, f"At the largest size {last}.", height, parts)


def _apart(values: Sequence[float], scale: Scale) -> list[float]:
    """The values whose labels do not run into the label before them."""
    kept: list[float] = []
    for value in values:
        room = text_width(f"{value:,.0f}", 13) + 6
        if not kept or scale(value) - scale(kept[-1]) >= room:
            kept.append(value)
    return kept


def _side(ratio: float) -> str:
    return "better" if ratio >= 1 else "worse"


def _tick(x: float, y: float, text: str) -> Markup:
    return label(x, y, text, anchor="middle", class_="tick")


def _document(key: str, title: str, about: str, height: float, parts: Sequence[Child]) -> str:
    paper = tag("rect", x=0, y=0, width=WIDTH, height=height, class_="paper")
    named = label(8, 18, title)
    svg = chart(key, title, about, WIDTH, height, tag("style", Markup(_STYLE)), paper, named, parts)
    return svg.replace("<svg ", f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH:g}" ', 1) + "\n"
