"""Losses of the heads, in float32 whatever the logits are."""

# Shapes: B rows, C classes

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from korscideberta.errors import DataError

IGNORED = -100
"""The label of a row that a loss leaves out; so does any other negative one."""


def cross_entropy(logits_BC: Tensor, label_B: Tensor) -> Tensor:
    """The mean over the rows whose label is not negative; 0 when there are none."""
    has_label_B = label_B >= 0
    target_B = label_B.long().masked_fill(~has_label_B, IGNORED)
    total = F.cross_entropy(logits_BC.float(), target_B, ignore_index=IGNORED, reduction="sum")
    return total / has_label_B.sum().clamp(min=1)


def binary_cross_entropy(logit_B: Tensor, label_B: Tensor) -> Tensor:
    """The mean over the rows whose label is not negative; 0 when there are none."""
    has_label_B = (label_B >= 0).float()
    loss_B = F.binary_cross_entropy_with_logits(logit_B.float(), label_B.float().clamp(0, 1), reduction="none")
    return (loss_B * has_label_B).sum() / has_label_B.sum().clamp(min=1)


def classification_loss(logits_BC: Tensor, labels: Tensor, problem_type: str) -> Tensor:
    """The mean loss of sequence logits; see `DebertaV2ForSequenceClassification` for the labels.

    Labels that do not fit raise DataError.
    """
    batch, classes = logits_BC.shape
    if problem_type == "single_label_classification":
        if labels.shape != (batch,) or labels.is_floating_point():
            raise DataError(
                f"single_label_classification needs one label index a row, shape ({batch},); "
                f"found {labels.dtype} {tuple(labels.shape)}"
            )
        return cross_entropy(logits_BC, labels)
    if problem_type == "multi_label_classification":
        if labels.shape != logits_BC.shape:
            raise DataError(
                f"multi_label_classification needs targets of shape ({batch}, {classes}), found {tuple(labels.shape)}"
            )
        return F.binary_cross_entropy_with_logits(logits_BC.float(), labels.float())
    if labels.numel() != logits_BC.numel():
        raise DataError(f"regression needs {batch} rows of {classes} values, found shape {tuple(labels.shape)}")
    return F.mse_loss(logits_BC.float(), labels.float().view_as(logits_BC))
