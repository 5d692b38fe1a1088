"""Token classification: one label for each piece, as for named entities."""

# Shapes: B sequences, N places of the caller's batch, T packed tokens, C labels

from __future__ import annotations

from torch import Tensor, nn

from korscideberta.model.config import DebertaV2Config
from korscideberta.model.encoder import DebertaV2Model
from korscideberta.model.heads.head import HeadedModel, shown
from korscideberta.model.heads.losses import cross_entropy
from korscideberta.model.inputs import Tokens
from korscideberta.model.outputs import ClassifierOutput


class DebertaV2ForTokenClassification(HeadedModel[ClassifierOutput]):
    """One set of logits for each token.

    Labels have the shape of the ids: a label index, or a negative number for a token the loss leaves out. The mean
    cross entropy is over the real tokens that have one.
    """

    def __init__(self, config: DebertaV2Config, attention: str = "auto") -> None:
        super().__init__(config)
        self.deberta = DebertaV2Model(config, attention)
        self.dropout = nn.Dropout(config.classifier_dropout)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.classifier.apply(self.initialise)

    def answer(self, tokens: Tokens, labels: Tensor | None, output_hidden_states: bool) -> ClassifierOutput:
        """As in every head."""
        states = self.deberta.encode(tokens, output_hidden_states=output_hidden_states)
        logits_TC = self.classifier(self.dropout(states[-1]))
        return ClassifierOutput(
            logits=tokens.unpack(logits_TC),
            loss=None if labels is None else cross_entropy(logits_TC, tokens.labels(labels)),
            hidden_states=shown(states, tokens, output_hidden_states),
        )
