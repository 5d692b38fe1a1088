"""Sequence classification: one label, several, or a number for each text."""

# Shapes: B sequences, N places of the caller's batch, T packed tokens, D hidden, C labels

from __future__ import annotations

from torch import Tensor, nn

from korscideberta.errors import ConfigError
from korscideberta.model.config import DebertaV2Config
from korscideberta.model.encoder import DebertaV2Model
from korscideberta.model.heads.head import ContextPooler, HeadedModel, shown
from korscideberta.model.heads.losses import classification_loss
from korscideberta.model.inputs import Tokens
from korscideberta.model.label_tree import LabelTree
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

    def label_path(self, logits_A: Tensor) -> list[str]:
        """Return the labels from the top to the likeliest lowest one for logits (A,), where labels have levels.

        Raises:
            ConfigError: they have none.
        """
        if self.config.label_parents is None:
            raise ConfigError("label_parents is not set: the labels of this model have one level")
        tree = LabelTree(self.config.label_parents)
        best = int(tree.log_probabilities(logits_A[None])[0].argmax())
        return [self.config.id2label[place] for place in tree.paths[best]]

    def answer(self, tokens: Tokens, labels: Tensor | None, output_hidden_states: bool) -> ClassifierOutput:
        """As in every head."""
        states = self.deberta.encode(tokens, output_hidden_states=output_hidden_states)
        logits_BC = self.classifier(self.dropout(self.pooler(tokens.packing.first(states[-1]))))
        return ClassifierOutput(
            logits=logits_BC,
            loss=None if labels is None else classification_loss(logits_BC, labels, self.config.resolved_problem_type),
            hidden_states=shown(states, tokens, output_hidden_states),
        )
