"""How a cross-validation divided the documents, and how its folds differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from korscideberta.evaluation.report.html import Markup, join, tag
from korscideberta.evaluation.report.runs import ReportedRun
from korscideberta.evaluation.report.tables import Cell, Head, pairs, table
from korscideberta.evaluation.report.words import Words
from korscideberta.run import RunDirectory

_COUNTS = ("documents", "groups", "documents_in_groups", "largest_group", "near_duplicate_pairs", "leaked_if_ungrouped")


def folds(run: ReportedRun, words: Words) -> Markup:
    """Return how documents were kept together, what ungrouped folds would have leaked, and every fold's figures."""
    told: Mapping[str, Any] = run.record.get("near_duplicates") or {}
    rows = [(words("folds_count"), f"{run.folds}")]
    rows += [(words(name), f"{told[name]:,}") for name in _COUNTS if name in told]
    return join([tag("p", words("folds_note")), pairs(rows), _by_fold(run, words)])


def _by_fold(run: ReportedRun, words: Words) -> Markup | None:
    """A row a fold; nothing where the folds keep no runs, as those of a baseline."""
    if not any(directory.path.name.startswith("fold-") for directory, _ in run.models):
        return None
    names = list(run.split.figures)
    heads = [Head(words("fold")), Head(words("documents"), numeric=True)]
    heads += [Head(words.figure(name, run.split.k), numeric=True) for name in names]
    rows = []
    for directory, split in run.models:
        found = RunDirectory(directory.path).read_metrics()[split]
        rows.append(
            [
                Cell(directory.path.name),
                Cell(f"{found['documents']:,}", found["documents"]),
                *(Cell(f"{found[name]:.3f}", found[name]) if name in found else Cell("—") for name in names),
            ]
        )
    return table(heads, rows, label=words("folds"))
