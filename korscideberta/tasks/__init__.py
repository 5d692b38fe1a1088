"""What can be trained: each task knows its labels, how to read its files and how it is scored."""

from korscideberta.tasks import (  # noqa: F401  (importing registers them)
    abstracts,
    choices,
    custom,
    glue,
    klue,
    klue_ner,
    korean,
    mnli,
    ner,
    papers,
    reading,
    superglue,
)
from korscideberta.tasks.task import Task, get, multi_label, names

__all__ = ["Task", "get", "multi_label", "names"]
