"""How every label fared, against how many documents it has."""

from __future__ import annotations

from korscideberta.evaluation.report.charts.scatter import Point, scatter
from korscideberta.evaluation.report.counts import by_label
from korscideberta.evaluation.report.html import Markup, join, tag
from korscideberta.evaluation.report.runs import ReportedRun
from korscideberta.evaluation.report.tables import Cell, Head, table
from korscideberta.evaluation.report.words import Words

_NAMED_FEW = 40
"""Up to as many labels all are named in the chart while there is room; of more only the most telling."""
_NAMED_OF_MANY = 16


def every_label(run: ReportedRun, key: str, words: Words) -> Markup:
    """Return F1 against support as a chart, and precision, recall and F1 as a table."""
    found = by_label(run.split.predictions)
    train = run.train_counts
    support = {one.label: one.documents if train is None else train[one.label] for one in found}
    ordered = sorted(found, key=lambda one: -support[one.label])
    # The best, the worst and the largest are worth a name; the pointer and the table tell the others.
    telling = sorted(found, key=lambda one: (-abs(one.f1 - 0.5), -support[one.label]))
    named = ordered if len(found) <= _NAMED_FEW else [*ordered[:6], *telling][:_NAMED_OF_MANY]
    unnamed = [one for one in found if one not in named]
    points = [
        Point(
            support[one.label],
            one.f1,
            run.short(one.label) if one in named else "",
            f"{run.display(one.label)}: F1 {one.f1:.3f}, {words('tested_documents')} {one.documents:,}"
            + ("" if train is None else f", {words('train_documents')} {support[one.label]:,}"),
        )
        for one in [*dict.fromkeys(named), *unnamed]
    ]
    title = words("f1_chart" if train is not None else "f1_chart_test")
    about = words("f1_about", zero=sum(one.f1 == 0 for one in found))
    x_label = words("train_documents" if train is not None else "tested_documents")
    drawn = scatter(f"{key}-labels", title, about, points, x_label=x_label, y_label="F1")
    heads = [
        Head(words("label")),
        *([] if train is None else [Head(words("train_documents"), numeric=True)]),
        Head(words("tested_documents"), numeric=True),
        Head(words("named"), numeric=True),
        Head(words("precision"), numeric=True),
        Head(words("recall"), numeric=True),
        Head("F1", numeric=True),
    ]
    rows = [
        [
            Cell(run.display(one.label)),
            *([] if train is None else [Cell(f"{support[one.label]:,}", support[one.label])]),
            Cell(f"{one.documents:,}", one.documents),
            Cell(f"{one.named:,}", one.named),
            *(Cell(f"{value:.3f}", value) for value in (one.precision, one.recall, one.f1)),
        ]
        for one in ordered
    ]
    absent = len(run.split.predictions.labels) - len(found)
    return join(
        [
            tag("figure", tag("figcaption", title, tag("small", about)), drawn),
            tag("p", words("per_label_note"), class_="note"),
            table(heads, rows, label=words("per_label")),
            tag("p", words("never_seen", count=f"{absent:,}"), class_="note") if absent else None,
        ]
    )
