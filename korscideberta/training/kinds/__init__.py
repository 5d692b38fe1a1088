"""Kinds of heads: all that training, evaluation and prediction must know of a head besides its model."""

from __future__ import annotations

from typing import Any

from korscideberta.tasks import Task
from korscideberta.training.kinds.choice import ChoiceKind
from korscideberta.training.kinds.kind import Kind
from korscideberta.training.kinds.levels import LevelsKind
from korscideberta.training.kinds.multi_label import MultiLabelKind
from korscideberta.training.kinds.reading import ReadingKind, ReadingOrNoneKind
from korscideberta.training.kinds.regression import RegressionKind
from korscideberta.training.kinds.sequence import SequenceKind
from korscideberta.training.kinds.tokens import TokenKind

KINDS: dict[str, type[Kind[Any, Any]]] = {
    "sequence": SequenceKind,
    "levels": LevelsKind,
    "multi-label": MultiLabelKind,
    "regression": RegressionKind,
    "token": TokenKind,
    "reading": ReadingKind,
    "reading-or-none": ReadingOrNoneKind,
    "choice": ChoiceKind,
}
"""By the name that a task's `head` gives."""


def kind_of(task: Task) -> type[Kind[Any, Any]]:
    """Return the kind of a task's head."""
    return KINDS[task.head]


__all__ = ["KINDS", "Kind", "kind_of"]
