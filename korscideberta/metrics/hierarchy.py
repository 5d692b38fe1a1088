"""Hierarchical precision, recall and F1."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from korscideberta.metrics.parts import Part, Share


def hierarchy_parts(
    ranked: Sequence[Sequence[str]], gold: Sequence[Sequence[str]], path: Callable[[str], Sequence[str]]
) -> dict[str, Part]:
    """Return hierarchical precision, recall and F1 as functions of the documents' weights.

    To the labels predicted for a document, as many of the best-ranked as it has gold ones, and to its gold labels all
    labels above them are added. What both sets share is held against the one set, the other, and both together, summed
    over the documents; the root of all labels does not count.

    Source: Kiritchenko et al. 2006, Learning and evaluation in the presence of class hierarchies.

    Args:
        ranked: for each document labels, best first, at least as many as it has gold ones.
        gold: for each document its gold labels.
        path: gives the labels above a label, the root left out, and last itself.

    Raises:
        ValueError: a ranking is too short.
    """
    shared, proposed, wanted = (np.empty(len(gold)) for _ in range(3))
    for row, (named, right) in enumerate(zip(ranked, gold, strict=True)):
        if len(named) < len(right):
            raise ValueError(f"document {row} has {len(right)} gold labels but {len(named)} ranked ones")
        predicted_set = {above for label in named[: len(right)] for above in path(label)}
        gold_set = {above for label in right for above in path(label)}
        shared[row], proposed[row], wanted[row] = len(predicted_set & gold_set), len(predicted_set), len(gold_set)
    return {
        "hierarchical_precision": Share(shared, proposed),
        "hierarchical_recall": Share(shared, wanted),
        "hierarchical_f1": Share(2 * shared, proposed + wanted),
    }
