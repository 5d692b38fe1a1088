"""Natural-language inference: does a premise entail, contradict or leave open a hypothesis?

`mnli` reads GLUE's MNLI and its diagnostics, KorNLI and KLUE-NLI; `anli` the rounds of ANLI.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from korscideberta.data.examples import Columns, Example
from korscideberta.data.readers import Row, TableStream, open_table
from korscideberta.metrics import benchmarks, summary
from korscideberta.metrics.classification import matthews
from korscideberta.tasks.layouts import columns_of, layout, one_of, reader
from korscideberta.tasks.official import glue
from korscideberta.tasks.task import Task, register

LABELS = ("contradiction", "neutral", "entailment")
"""In the order of the original implementation, so that its fine-tuned heads keep their meaning."""

DIAGNOSTICS = "AX"
_PART = "benchmark"

LAYOUTS = (
    layout("sentence1", pair="sentence2", label="gold_label", id="pairID", part="genre"),
    layout("premise", pair="hypothesis", label="gold_label", id="guid"),
    layout("Premise", pair="Hypothesis", label="Label", part=_PART),
)
"""GLUE and KorNLI, KLUE, and GLUE's diagnostics."""

_WRITTEN = {"c": "contradiction", "n": "neutral", "e": "entailment"}


def by_part(examples: Sequence[Example], predicted: Sequence[str]) -> dict[str, float]:
    """Return the accuracy of each part of the data."""
    right = [example.labels[0] == label for example, label in zip(examples, predicted, strict=True)]
    return benchmarks.accuracy_by_group(right, [example.part for example in examples])


def open_pairs(path: Path) -> TableStream:
    """Open a file in any of the layouts; the part of GLUE's diagnostics is `AX`."""
    table = open_table(path)
    if LAYOUTS[-1].columns.text[0] not in table.columns:
        return table
    return table.mapped((*table.columns, _PART), lambda row: [Row({**row.cells, _PART: DIAGNOSTICS}, row.origin)])


def by_part_or_matthews(examples: Sequence[Example], predicted: Sequence[str]) -> dict[str, float]:
    """Return the accuracy of each part, of the diagnostics Matthews' correlation over the three labels.

    It is what GLUE gives for them (Wang et al. 2018, arXiv 1804.07461: R3 of Gorodkin 2004), there
    times 100.
    """
    if all(example.part == DIAGNOSTICS for example in examples):
        return {"matthews": matthews([example.labels[0] for example in examples], predicted)}
    return by_part(examples, predicted)


MNLI = register(
    Task(
        name="mnli",
        summary="natural-language inference: MNLI, KorNLI, KLUE-NLI",
        layout="sentence1, sentence2, gold_label (GLUE, KorNLI) or premise, hypothesis, gold_label (KLUE)",
        labels=LABELS,
        metric="accuracy",
        score=summary.single_label,
        read=reader(LAYOUTS, one_of(LABELS), table=open_pairs),
        find_columns=columns_of(LAYOUTS),
        by_example=by_part_or_matthews,
        pair=True,
        official={".tsv": glue},
        max_length=256,
    )
)

_read_anli = reader([layout("context", pair="hypothesis", id="uid")], one_of(LABELS, _WRITTEN))


def read_anli(path: Path, columns: Columns | None, split: str | None, labelled: bool) -> list[Example]:
    """Read a file of ANLI, whose round is the name of its folder."""
    return [replace(example, part=path.resolve().parent.name) for example in _read_anli(path, columns, split, labelled)]


ANLI = register(
    Task(
        name="anli",
        summary="adversarial natural-language inference in three rounds (ANLI)",
        layout="uid, context, hypothesis, label (e, n or c); the folder's name is the round",
        labels=LABELS,
        metric="accuracy",
        score=benchmarks.accuracy_alone,
        read=read_anli,
        by_example=by_part,
        pair=True,
        max_length=512,
    )
)
