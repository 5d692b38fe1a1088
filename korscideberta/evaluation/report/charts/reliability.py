"""A reliability diagram: how often predictions of a confidence are right."""

from __future__ import annotations

from collections.abc import Sequence

from korscideberta.evaluation.report.charts.frame import axes, chart, hover, label, line
from korscideberta.evaluation.report.charts.scale import Scale
from korscideberta.evaluation.report.html import Child, Markup, tag
from korscideberta.metrics.calibration import Bin

SIDE = 380.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 48.0, 14.0, 34.0, 50.0


def reliability(
    key: str, title: str, description: str, bins: Sequence[Bin], *, x_label: str, y_label: str, ideal: str, about: str
) -> Markup:
    """Draw a point a bin, joined to the diagonal on which a calibrated model's points lie.

    Args:
        key: unique in the page.
        title: what the chart is.
        description: what it shows.
        bins: the bins.
        x_label: the word for confidence.
        y_label: the word for the share that is right.
        ideal: what the diagonal is called.
        about: pattern of a point's hover text, with `confidence`, `accuracy` and `documents`.
    """
    x, y = Scale(0, 1, _LEFT, SIDE - _RIGHT), Scale(0, 1, SIDE - _BOTTOM, _TOP)
    # The diagonal's name stands on the side where the points are not.
    above = sum((one.accuracy - one.confidence) * one.documents for one in bins) < 0
    turned = label(x(0.12), y(0.12) + (-8 if above else 24), ideal, class_="small", rotate=-45)
    parts: list[Child] = [axes(x, y, x_label, y_label), line(x(0), y(0), x(1), y(1), "ideal"), turned]
    for one in bins:
        text = about.format(confidence=one.confidence, accuracy=one.accuracy, documents=one.documents)
        at_x, at_y = x(one.confidence), y(one.accuracy)
        parts += [
            line(at_x, at_y, at_x, y(one.confidence), "gap"),
            tag("circle", hover(text), cx=at_x, cy=at_y, r=5, class_="dot series-0"),
        ]
    if len(bins) > 1:
        path = " ".join(f"{x(one.confidence):.1f},{y(one.accuracy):.1f}" for one in bins)
        parts.append(tag("polyline", points=path, class_="line thin series-0"))
    return chart(key, title, description, SIDE, SIDE, parts, class_="chart square")
