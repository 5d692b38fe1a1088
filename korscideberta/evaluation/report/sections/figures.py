"""Headline figures of a run with their intervals."""

from __future__ import annotations

from korscideberta.evaluation.report.charts.bars import interval_bar
from korscideberta.evaluation.report.html import Markup, join, tag
from korscideberta.evaluation.report.runs import ReportedRun, Split
from korscideberta.evaluation.report.tables import Cell, Head, table
from korscideberta.evaluation.report.words import Words
from korscideberta.evaluation.results import Figure
from korscideberta.metrics.resampling import RESAMPLES


def figures(run: ReportedRun, words: Words) -> Markup:
    """Return a table of figures for each split, the one the report looks into first."""
    order = sorted(run.splits, key=lambda name: name != run.shown)
    notes = [tag("p", words("figures_note", resamples=RESAMPLES), class_="note")]
    if any(figure.interval is None for split in run.splits.values() for figure in split.figures.values()):
        notes.append(tag("p", words("undecided"), class_="note"))
    if "dev" in run.splits:
        metric = words.figure(run.task.metric, run.split.k)
        notes.append(tag("p", words("dev_note", metric=metric), class_="note"))
    return join([*(_table(run.splits[name], words) for name in order), _meanings(run.split, words), *notes])


def _meanings(split: Split, words: Words) -> Markup:
    told = [(words.figure(name, split.k), words.figure_about(name, split.k)) for name in split.figures]
    return tag("ul", [tag("li", tag("b", name), ": ", about) for name, about in told if about], class_="note")


def range_text(figure: Figure) -> str:
    """Write an interval, or a dash where there is none."""
    return "—" if figure.interval is None else f"{figure.interval[0]:.3f} – {figure.interval[1]:.3f}"


def bar(name: str, figure: Figure, words: Words) -> Markup:
    """The figure as a dot on its interval."""
    about = f"{name} {figure.value:.3f}, {words('interval')} {range_text(figure)}"
    if figure.majority is not None:
        about += f", {words('majority')} {figure.majority:.3f}"
    return interval_bar(figure.value, figure.interval, figure.majority, about)


def _table(split: Split, words: Words) -> Markup:
    heads = [
        Head(words("figure"), sortable=False),
        Head(words("value"), numeric=True, sortable=False),
        Head(words("interval"), numeric=True, sortable=False),
        Head(words("majority"), numeric=True, sortable=False),
        Head(words("on_scale"), sortable=False),
    ]
    rows = []
    for name, figure in split.figures.items():
        called = words.figure(name, split.k)
        rows.append(
            [
                Cell(called),
                Cell(tag("b", f"{figure.value:.3f}")),
                Cell(range_text(figure)),
                Cell("" if figure.majority is None else f"{figure.majority:.3f}"),
                Cell(bar(called, figure, words)),
            ]
        )
    caption = f"{words.split(split.name)} · {words('documents')} {len(split.predictions.ids):,}"
    return table(heads, rows, sortable=False, label=caption, caption=True)
