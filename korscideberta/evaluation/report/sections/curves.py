"""How loss and dev figures went during training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from korscideberta.evaluation.report.charts.lines import Series, lines
from korscideberta.evaluation.report.html import Markup, tag
from korscideberta.evaluation.report.runs import ReportedRun
from korscideberta.evaluation.report.words import Words

Points = tuple[tuple[float, float], ...]


def curves(run: ReportedRun, key: str, words: Words) -> Markup:
    """Return the loss and the figure that selected the checkpoint, by step."""
    loss, figure = points(run.journal, "loss"), points(run.journal, run.task.metric)
    charts = []
    if loss:
        (first, start), (last, end) = loss[0], loss[-1]
        about = words("loss_about", first=f"{first:,.0f}", start=start, last=f"{last:,.0f}", end=end)
        charts.append(_chart(f"{key}-loss", words("loss_curve"), about, loss, None, words, words("loss")))
    if figure:
        name = words.figure(run.task.metric, run.split.k)
        best = max(range(len(figure)), key=lambda index: figure[index][1])
        about = words("dev_about", step=f"{figure[best][0]:,.0f}", value=figure[best][1])
        charts.append(_chart(f"{key}-dev", words("dev_curve", figure=name), about, figure, best, words, name))
    return tag("div", charts, class_="charts") if charts else tag("p", words("no_curves"))


def overlaid(runs: Sequence[ReportedRun], words: Words, most: int) -> Markup | None:
    """Return the dev curves of several runs in one chart; None where there are none to hold against each other."""
    metrics = {run.task.metric for run in runs}
    series = [Series(run.name, found) for run in runs if (found := points(run.journal, run.task.metric))]
    if len(metrics) > 1 or not 2 <= len(series) <= most:
        return None
    name = words.figure(metrics.pop(), runs[0].split.k)
    title = words("dev_curve", figure=name)
    about = ", ".join(f"{one.name} {max(value for _, value in one.points):.3f}" for one in series)
    drawn = lines("runs-dev", title, about, series, x_label=words("step"), y_label=name)
    return tag("div", tag("figure", tag("figcaption", title), drawn), class_="charts")


def points(journal: Sequence[Mapping[str, Any]], name: str) -> Points:
    """Return step and value of the records that have a figure; only those of the dev split, where one is named."""
    return tuple(
        (float(record["step"]), float(record[name]))
        for record in journal
        if _is_number(record.get(name)) and _is_number(record.get("step")) and record.get("split", "dev") == "dev"
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value and abs(value) < 1e300


def _chart(key: str, title: str, about: str, found: Points, best: int | None, words: Words, name: str) -> Markup:
    drawn = lines(key, title, about, [Series(title, found, best)], x_label=words("step"), y_label=name)
    return tag("figure", tag("figcaption", title, tag("small", about)), drawn)
