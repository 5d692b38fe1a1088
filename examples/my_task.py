"""A task of one's own: is a sentence of a paper's abstract in the past tense?

    korsci train tense --task-file examples/my_task.py --train sentences.csv --out runs/tense

The file is run before the task is looked up, so what it registers can be trained, evaluated and predicted with like any
other task; the run remembers where the file is. This one reads a table with the columns 문장 and 시제.
"""

from korscideberta.data.examples import Columns
from korscideberta.data.readers import read_table
from korscideberta.errors import DataError
from korscideberta.metrics import summary
from korscideberta.tasks import Task, examples_from, register

LABELS = {"과거": "past", "현재": "present"}


def label(row, cell):
    """Take the Korean name of a tense; any other is an error that names file and line."""
    if cell not in LABELS:
        raise DataError(f"{row.origin}: 시제 is {cell!r}; use one of {', '.join(LABELS)}")
    return (LABELS[cell],)


def read(path, columns, split, labelled):
    """Return the examples of a file; `columns` are those that --text and --label name, or None."""
    own = Columns(text=("문장",), label="시제")
    return examples_from(read_table(path), columns or own, split, labelled, label)


register(
    Task(
        name="tense",
        summary="is a sentence in the past tense",
        layout="문장, 시제 (과거 or 현재)",
        labels=tuple(LABELS.values()),
        metric="accuracy",  # the figure that selects the best checkpoint
        score=summary.single_label,  # (scores, gold labels, k) → figures
        read=read,
        max_length=64,
    )
)
