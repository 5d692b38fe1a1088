"""How loss and dev figures went during training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from korscideberta.evaluation.report.charts.lines import Series, lines
from korscideberta.evaluation.report.html import Markup, tag
from korscideberta.evaluation.report.runs import Journal, ReportedRun
from korscideberta.evaluation.report.words import Words

Points = tuple[tuple[float, float], ...]


def curves(run: ReportedRun, key: str, words: Words) -> Markup:
    """Return the loss and the figure that selected the checkpoint, by step; a line a fold."""
    figure = words.figure(run.task.metric, run.split.k)
    losses, figures = _series(run.journals, "loss", best=False), _series(run.journals, run.task.metric, best=True)
    charts = []
    if losses:
        (first, start), (last, end) = losses[0].points[0], losses[0].points[-1]
        about = words("loss_about", first=f"{first:,.0f}", start=start, last=f"{last:,.0f}", end=end)
        charts.append(_chart(f"{key}-loss", words("loss_curve"), about, losses, words, words("loss")))
    if figures:
        step, value = figures[0].points[figures[0].best or 0]
        about = words("dev_about", step=f"{step:,.0f}", value=value)
        charts.append(_chart(f"{key}-dev", words("dev_curve", figure=figure), about, figures, words, figure))
    return tag("div", charts, class_="charts") if charts else tag("p", words("no_curves"))


def _series(journals: Mapping[str, Journal], name: str, *, best: bool) -> list[Series]:
    found = [(fold, points(journal, name)) for fold, journal in journals.items()]
    return [
        Series(fold, one, max(range(len(one)), key=lambda index: one[index][1]) if best else None)
        for fold, one in found
        if one
    ]


def overlaid(runs: Sequence[ReportedRun], words: Words, most: int) -> Markup | None:
    """Return the dev curves of several runs in one chart; None where there are none to hold against each other."""
    metrics = {run.task.metric for run in runs}
    alone = [(run.name, points(run.journals[""], run.task.metric)) for run in runs if "" in run.journals]
    series = [Series(name, found) for name, found in alone if found]
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


def _chart(key: str, title: str, about: str, series: Sequence[Series], words: Words, name: str) -> Markup:
    drawn = lines(key, title, about, series, x_label=words("step"), y_label=name)
    caption = None if len(series) > 1 else tag("small", about)
    return tag("figure", tag("figcaption", title, caption), drawn)
