"""Heads over the encoder, each with its loss."""

# Shapes: B sequences, N places of the caller's batch, T packed tokens, D hidden, C labels

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from korscideberta.errors import DataError
from korscideberta.model.config import DebertaV2Config
from korscideberta.model.encoder import DebertaV2Model, PretrainedModel
from korscideberta.model.layers import ACTIVATIONS
from korscideberta.model.outputs import ClassifierOutput
from korscideberta.model.packing import Packing


class ContextPooler(nn.Module):
    """The first token's hidden state through dropout, a linear layer and an activation."""

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.pooler_dropout)
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = ACTIVATIONS[config.pooler_hidden_act]

    def forward(self, first_BD: Tensor) -> Tensor:
        """(B, D) to (B, D)."""
        return self.activation(self.dense(self.dropout(first_BD)))


class DebertaV2ForSequenceClassification(PretrainedModel):
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

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        output_hidden_states: bool = False,
    ) -> ClassifierOutput:
        """Classify a padded batch; arguments as in `DebertaV2Model.forward`, labels as the class describes.

        Raises:
            DataError: shapes disagree, or the labels do not fit the problem type.
        """
        packing, id_T, type_T = self.deberta.pack(input_ids, attention_mask, token_type_ids)
        states = self.deberta.encode(id_T, type_T, packing, output_hidden_states=output_hidden_states)
        logits_BC = self._classify(states[-1], packing)
        width = input_ids.shape[1]
        return ClassifierOutput(
            logits=logits_BC,
            loss=None if labels is None else classification_loss(logits_BC, labels, self.config.resolved_problem_type),
            hidden_states=tuple(self.deberta.unpack(state_TD, packing, width) for state_TD in states)
            if output_hidden_states
            else None,
        )

    def forward_packed(
        self,
        input_ids: Tensor,
        starts: Tensor,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        output_hidden_states: bool = False,
    ) -> ClassifierOutput:
        """Classify packed sequences; arguments as in `DebertaV2Model.forward_packed`, hidden states (T, D)."""
        packing = Packing.from_starts(starts, input_ids.shape[0])
        states = self.deberta.encode(input_ids, token_type_ids, packing, output_hidden_states=output_hidden_states)
        logits_BC = self._classify(states[-1], packing)
        return ClassifierOutput(
            logits=logits_BC,
            loss=None if labels is None else classification_loss(logits_BC, labels, self.config.resolved_problem_type),
            hidden_states=states if output_hidden_states else None,
        )

    def _classify(self, x_TD: Tensor, packing: Packing) -> Tensor:
        logits_BC: Tensor = self.classifier(self.dropout(self.pooler(packing.first(x_TD))))
        return logits_BC


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
