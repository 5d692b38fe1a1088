"""Which labels are taken for which."""

from __future__ import annotations

import numpy as np

from korscideberta.evaluation.report.charts.matrix import matrix
from korscideberta.evaluation.report.counts import Collapsed, merged, most_confused, most_erring
from korscideberta.evaluation.report.html import Child, Markup, join, tag
from korscideberta.evaluation.report.runs import ReportedRun
from korscideberta.evaluation.report.tables import Cell, Head, table
from korscideberta.evaluation.report.words import Words
from korscideberta.tasks.taxonomy import LARGE_FIELDS

_MOST_LABELS = 40
"""As many rows can be read; more are merged."""
_SHOWN_OF_MANY = 24
_PAIRS = 20


def confusion(run: ReportedRun, key: str, words: Words) -> Markup:
    """Return the matrix, merged where there are too many labels to read, and the pairs most often confused."""
    predictions = run.split.predictions
    counts = predictions.confusion()
    right = int(predictions.correct.sum())
    about = words("confusion_about", right=right, documents=len(predictions.ids), share=right / len(predictions.ids))
    shown, short, note = _collapsed(run, counts, words)
    drawn, width = matrix(
        f"{key}-confusion",
        words("confusion"),
        about,
        shown.counts,
        shown.names,
        short,
        gold=words("gold"),
        predicted=words("predicted"),
    )
    # Shrunk below its own size the matrix could not be read: a narrow page scrolls it.
    box = tag("div", drawn, class_="scroll", tabindex="0", style=f"--width:{width:.0f}px")
    return join(
        [
            tag("p", about, " ", note),
            tag("figure", tag("figcaption", words("confusion")), box, class_="wide"),
            tag("p", words("confusion_note"), class_="note"),
            tag("h4", words("pairs")),
            _pairs(run, counts, words),
        ]
    )


def _collapsed(run: ReportedRun, counts: np.ndarray, words: Words) -> tuple[Collapsed, list[str], Child]:
    """The matrix that is shown, short names of its labels, and what was merged."""
    labels = run.split.predictions.labels
    if len(labels) <= _MOST_LABELS:
        occurring = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1)).tolist()
        found = Collapsed(tuple(run.display(i) for i in occurring), counts[np.ix_(occurring, occurring)])
        return found, [run.short(i) for i in occurring], None
    parents = [parent for label in labels if (parent := _parent(label)) is not None]
    if len(parents) == len(labels) and len(set(parents)) <= _MOST_LABELS:
        found = merged(counts, [f"{parent} {LARGE_FIELDS[parent]}" for parent in parents])
        note = words("collapsed_parents", labels=len(labels), groups=len(found.names))
        return found, [name[:2] for name in found.names], note
    most = most_erring(counts, _SHOWN_OF_MANY)
    rest = [index for index in range(len(labels)) if index not in set(most)]
    order, other = [*most, *rest], words("other")
    found = merged(counts[np.ix_(order, order)], [*(run.display(index) for index in most), *(other for _ in rest)])
    note = words("collapsed_most", labels=len(labels), groups=len(most))
    return found, [*(run.short(index) for index in most), other], note


def _parent(label: str) -> str | None:
    """The large field of a code such as EE01 or EE0102; None for any other label."""
    code, rest = label[:2], label[2:].split(" ")[0]
    return code if code in LARGE_FIELDS and rest.isdecimal() and len(rest) in (2, 4) else None


def _pairs(run: ReportedRun, counts: np.ndarray, words: Words) -> Markup:
    found = most_confused(counts, _PAIRS)
    if not found:
        return tag("p", words("no_errors"))
    heads = [
        Head(words("gold")),
        Head(words("predicted")),
        Head(words("errors"), numeric=True),
        Head(words("of_gold"), numeric=True),
    ]
    rows = [
        [
            Cell(run.display(one.gold)),
            Cell(run.display(one.predicted)),
            Cell(f"{one.documents:,}", one.documents),
            Cell(f"{one.share:.1%}", one.share),
        ]
        for one in found
    ]
    return table(heads, rows, label=words("pairs"))
