"""Several runs side by side."""

from __future__ import annotations

from collections.abc import Sequence

from korscideberta.evaluation.report.html import Child, Markup, cut, join, tag
from korscideberta.evaluation.report.runs import ReportedRun
from korscideberta.evaluation.report.sections.curves import overlaid
from korscideberta.evaluation.report.sections.figures import bar, range_text
from korscideberta.evaluation.report.sections.source import settings
from korscideberta.evaluation.report.tables import Cell, Head, table
from korscideberta.evaluation.report.words import Words

_MOST_CURVES = 6
_LONGEST = 60


def comparison(runs: Sequence[ReportedRun], words: Words) -> Markup:
    """Return the figures of all runs, what was set differently, and their dev curves."""
    names = list(dict.fromkeys(name for run in runs for name in run.split.figures))
    best = {name: max(run.split.figures[name].value for run in runs if name in run.split.figures) for name in names}
    k = runs[0].split.k
    heads = [Head(words("run")), Head(words("documents"), numeric=True)]
    heads += [Head(words.figure(name, k), numeric=True, about=words.figure_about(name, k) or None) for name in names]
    rows = [
        [
            Cell(run.name),
            Cell(f"{len(run.split.predictions.ids):,}", len(run.split.predictions.ids)),
            *(_cell(run, name, best[name], words) for name in names),
        ]
        for run in runs
    ]
    same = len({(run.split.predictions.ids, run.split.predictions.labels) for run in runs}) == 1
    split = ", ".join(dict.fromkeys(words.split(run.shown) for run in runs))
    return join(
        [
            None if same else tag("p", words("different_documents"), class_="warning"),
            table(heads, rows, label=words("comparison")),
            tag("p", words("comparison_note", split=split), class_="note"),
            overlaid(runs, words, _MOST_CURVES),
            tag("h3", words("differences")),
            _differences(runs, words),
        ]
    )


def _cell(run: ReportedRun, name: str, best: float, words: Words) -> Cell:
    figure = run.split.figures.get(name)
    if figure is None:
        return Cell("")
    value: Child = f"{figure.value:.3f}"
    shown = [tag("b", value) if figure.value == best else value, tag("small", range_text(figure))]
    return Cell([shown, bar(words.figure(name, run.split.k), figure, words)], figure.value)


def _differences(runs: Sequence[ReportedRun], words: Words) -> Markup:
    told = [
        {
            "task": run.record["task"],
            **dict(settings(run.record)),
            **{
                f"data: {split}": " ".join(entry["sha256"][:12] for entry in entries)
                for split, entries in run.record["data"].items()
            },
            "tokenizer": str((run.record.get("tokenizer") or {}).get("digest"))[:12],
        }
        for run in runs
    ]
    names = list(dict.fromkeys(name for one in told for name in one))
    differing = [name for name in names if len({str(one.get(name)) for one in told}) > 1]
    if not differing:
        return tag("p", words("no_differences"))
    heads = [Head(words("setting")), *(Head(run.name) for run in runs)]
    rows = [[Cell(name), *(Cell(cut(str(one.get(name, "")), _LONGEST)) for one in told)] for name in differing]
    return table(heads, rows, label=words("differences"), sortable=False)
