"""What can be trained: each task knows its labels, how to read its files and how it is scored."""

from korscideberta.tasks import classify, mnli, papers  # noqa: F401  (importing registers them)
from korscideberta.tasks.task import Task, get, names

__all__ = ["Task", "get", "names"]
