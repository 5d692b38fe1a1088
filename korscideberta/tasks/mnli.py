"""`mnli`: does a premise entail, contradict or leave open a hypothesis?

Layouts: GLUE's MNLI TSV (by column name), KorNLI's three-column TSV, and KLUE-NLI's JSON.
"""

from __future__ import annotations

from pathlib import Path

from korscideberta.data.examples import Columns, Example
from korscideberta.data.readers import Row, Table, read_table
from korscideberta.errors import DataError
from korscideberta.metrics import summary
from korscideberta.tasks.task import Task, examples_from, register

LABELS = ("contradiction", "neutral", "entailment")
"""In the order of the original implementation, so that its fine-tuned heads keep their meaning."""


def read_mnli(path: Path, columns: Columns | None, split: str | None, labelled: bool) -> list[Example]:
    """Read pairs from `sentence1, sentence2` (GLUE, KorNLI) or `premise, hypothesis` (KLUE) and `gold_label`."""
    table = read_table(path)
    return examples_from(table, columns or mnli_columns(table), split, labelled, _label)


def mnli_columns(table: Table) -> Columns:
    """Return the columns of the layout that the table has."""
    klue = "premise" in table.columns
    first, second = ("premise", "hypothesis") if klue else ("sentence1", "sentence2")
    identity = next((name for name in ("pairID", "guid") if name in table.columns), None)
    return Columns(text=(first,), text_pair=second, label="gold_label", id=identity)


def _label(row: Row, cell: str) -> tuple[str, ...]:
    if cell not in LABELS:
        raise DataError(f"{row.origin}: gold_label is {cell!r}; use one of {', '.join(LABELS)}")
    return (cell,)


MNLI = register(
    Task(
        name="mnli",
        summary="natural-language inference: MNLI, KorNLI, KLUE-NLI",
        layout="sentence1, sentence2, gold_label (GLUE, KorNLI) or premise, hypothesis, gold_label (KLUE)",
        labels=LABELS,
        metric="accuracy",
        score=summary.single_label,
        read=read_mnli,
        find_columns=mnli_columns,
        pair=True,
        max_length=256,
    )
)
