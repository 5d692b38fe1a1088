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
from korscideberta.tasks.files import load_task_file
from korscideberta.tasks.merging import merge_rare
from korscideberta.tasks.tables import examples_from
from korscideberta.tasks.task import Task, get, multi_label, names, register
from korscideberta.tasks.variants import task_of, task_record, with_fields

__all__ = [
    "Task",
    "examples_from",
    "get",
    "load_task_file",
    "merge_rare",
    "multi_label",
    "names",
    "register",
    "task_of",
    "task_record",
    "with_fields",
]
