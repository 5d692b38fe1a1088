"""Replaced-token detection: which tokens of a text were put there by a generator."""

# Shapes: B sequences, N places of the caller's batch, T packed tokens, D hidden

from __future__ import annotations

from torch import Tensor, nn

from korscideberta.model.config import DebertaV2Config
from korscideberta.model.encoder import DebertaV2Model
from korscideberta.model.heads.head import HeadedModel, shown
from korscideberta.model.heads.losses import binary_cross_entropy
from korscideberta.model.inputs import Tokens
from korscideberta.model.layers import ACTIVATIONS
from korscideberta.model.outputs import ReplacedTokenOutput


class ReplacedTokenHead(nn.Module):
    """Every token's state plus that of the first of its sequence, through LayerNorm and two linear layers."""

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = ACTIVATIONS[config.hidden_act]
        self.classifier = nn.Linear(config.hidden_size, 1)

    def forward(self, x_TD: Tensor, first_TD: Tensor) -> Tensor:
        """(T, D) states and the first state of each token's sequence, (T, D), to logits (T,)."""
        logits: Tensor = self.classifier(self.activation(self.dense(self.norm(first_TD + x_TD))))
        return logits.squeeze(-1)


class DebertaV2ForReplacedTokenDetection(HeadedModel[ReplacedTokenOutput]):
    """One logit for each token: was it replaced?

    Labels have the shape of the ids: 1 where a token was replaced, 0 where not, negative where it is left out. The
    mean binary cross entropy is over the real tokens that have one. Source: He et al. 2021 (arXiv 2111.09543).
    """

    def __init__(self, config: DebertaV2Config, attention: str = "auto") -> None:
        super().__init__(config)
        self.deberta = DebertaV2Model(config, attention)
        self.replaced_head = ReplacedTokenHead(config)
        self.replaced_head.apply(self.initialise)

    def answer(self, tokens: Tokens, labels: Tensor | None, output_hidden_states: bool) -> ReplacedTokenOutput:
        """As in every head."""
        states = self.deberta.encode(tokens, output_hidden_states=output_hidden_states)
        first_BD = tokens.packing.first(states[-1])
        logits_T = self.replaced_head(states[-1], first_BD[tokens.packing.row_T])
        return ReplacedTokenOutput(
            logits=tokens.unpack(logits_T),
            loss=None if labels is None else binary_cross_entropy(logits_T, tokens.labels(labels)),
            hidden_states=shown(states, tokens, output_hidden_states),
        )
