"""Labels of several levels as one set of logits: each label has a share of what the label above it has."""

# Shapes: B rows, A labels of all levels, C lowest labels, D levels, G groups of labels that have the same parent

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

TOP = -1
"""The parent of a label that has none above it."""


class LabelTree:
    """A softmax over the labels below each label, and their products along the paths to the lowest ones.

    So a label has the probability of all lowest labels below it together, and never more than the label above it.

    Source: hierarchical softmax, Morin and Bengio 2005, with a given tree.

    Args:
        parents: the place of each label's parent among the labels, which is before its own, or `TOP`.
        lowest: the places of the labels that have none below them, in the order wanted; None is that of the labels.
    """

    def __init__(self, parents: Sequence[int], lowest: Sequence[int] | None = None) -> None:
        above = set(parents)
        self.lowest = [place for place in range(len(parents)) if place not in above] if lowest is None else [*lowest]
        self.paths = [_path(parents, place) for place in self.lowest]
        """The places of the labels on the way to each lowest one, itself last."""
        group_of = {parent: group for group, parent in enumerate(dict.fromkeys(parents))}
        self._group_A = torch.tensor([group_of[parent] for parent in parents])
        self._groups = len(group_of)
        depth = max(map(len, self.paths))
        # A path that is shorter than others ends in a place behind the labels, which adds nothing.
        self._steps_DC = torch.tensor(
            [[*path, *[len(parents)] * (depth - len(path))] for path in self.paths]
        ).T.contiguous()

    def log_probabilities(self, logits_BA: Tensor) -> Tensor:
        """Return the log-probabilities (B, C) of the lowest labels, float32."""
        logits_BA = logits_BA.float()
        group_BA = self._group_A.to(logits_BA.device).expand_as(logits_BA)
        rows = logits_BA.shape[0]
        highest_BG = logits_BA.new_full((rows, self._groups), -torch.inf)
        highest_BG = highest_BG.scatter_reduce(1, group_BA, logits_BA.detach(), "amax")
        shifted_BA = logits_BA - highest_BG.gather(1, group_BA)
        total_BG = logits_BA.new_zeros(rows, self._groups).scatter_add(1, group_BA, shifted_BA.exp())
        share_BA = F.pad(shifted_BA - total_BG.log().gather(1, group_BA), (0, 1))
        steps_DC = self._steps_DC.to(logits_BA.device)
        log_p_BC = share_BA.index_select(1, steps_DC[0])
        for step_C in steps_DC[1:]:
            log_p_BC = log_p_BC + share_BA.index_select(1, step_C)
        return log_p_BC


def _path(parents: Sequence[int], place: int) -> tuple[int, ...]:
    path = [place]
    while parents[path[-1]] != TOP:
        path.append(parents[path[-1]])
    return tuple(reversed(path))
