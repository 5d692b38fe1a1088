"""Sequence classification: one label, several, or a number for each text."""

# Shapes: B sequences, N places of the caller's batch, T packed tokens, D hidden, C labels

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from korscideberta.errors import DataError
from korscideberta.model.config import DebertaV2Config
from korscideberta.model.encoder import DebertaV2Model
from korscideberta.model.heads.head import ContextPooler, HeadedModel
from korscideberta.model.inputs import Tokens
from korscideberta.model.outputs import ClassifierOutput


class DebertaV2ForSequenceClassification(HeadedModel[ClassifierOutput]):
    """One set of logits for each sequence.

    `config.problem_type` picks the loss: single_label_classification is cross entropy over label indices (B,),
    multi_label_classification binary cross entropy against (B, C) targets in [0, 1], hard or soft, and regression the
    squared error against (B,) or (B, C) values.
    """

    def __init__(self, config: DebertaV2Config, attention: str = "auto") -> None:
        super().__init__(config)
        self.deberta = DebertaV2Model(config, attention)
        self.pooler = ContextPooler(config)
        self.dropout = nn.Dropout(config.classifier_dropout)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        for part in (self.pooler, self.classifier):
            part.apply(self.initialise)

    def answer(self, tokens: Tokens, labels: Tensor | None, output_hidden_states: bool) -> ClassifierOutput:
        """As in every head."""
        states = self.deberta.encode(tokens, output_hidden_states=output_hidden_states)
        logits_BC = self.classifier(self.dropout(self.pooler(tokens.packing.first(states[-1]))))
        return ClassifierOutput(
            logits=logits_BC,
            loss=None if labels is None else classification_loss(logits_BC, labels, self.config.resolved_problem_type),
            hidden_states=self.shown(states, tokens, output_hidden_states),
        )


def classification_loss(logits_BC: Tensor, labels: Tensor, problem_type: str) -> Tensor:
    """The mean loss of (B, C) logits in float32; see `DebertaV2ForSequenceClassification` for the labels.

    An index of -100 leaves its row out of the cross entropy. Labels that do not fit raise DataError.
    """
    logits_BC = logits_BC.float()
    batch, classes = logits_BC.shape
    if problem_type == "single_label_classification":
        if labels.shape != (batch,) or labels.is_floating_point():
            raise DataError(
                f"single_label_classification needs one label index a row, shape ({batch},); "
                f"found {labels.dtype} {tuple(labels.shape)}"
            )
        return F.cross_entropy(logits_BC, labels.long())
    if problem_type == "multi_label_classification":
        if labels.shape != logits_BC.shape:
            raise DataError(
                f"multi_label_classification needs targets of shape ({batch}, {classes}), found {tuple(labels.shape)}"
            )
        return F.binary_cross_entropy_with_logits(logits_BC, labels.float())
    if labels.numel() != logits_BC.numel():
        raise DataError(f"regression needs {batch} rows of {classes} values, found shape {tuple(labels.shape)}")
    return F.mse_loss(logits_BC, labels.float().view_as(logits_BC))
