"""What the heads share: the two ways in, padded and packed, and the pooler."""

# Shapes: B sequences, N places of the caller's batch, T packed tokens, D hidden

from __future__ import annotations

from typing import Generic, TypeVar

from torch import Tensor, nn

from korscideberta.model.config import DebertaV2Config
from korscideberta.model.encoder import DebertaV2Model, PretrainedModel
from korscideberta.model.inputs import Tokens
from korscideberta.model.layers import ACTIVATIONS
from korscideberta.model.outputs import HeadOutput

Output = TypeVar("Output", bound=HeadOutput)


class HeadedModel(PretrainedModel, Generic[Output]):
    """The encoder with a head; a subclass says in `answer` what the head makes of the tokens."""

    deberta: DebertaV2Model

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        starts: Tensor | None = None,
        output_hidden_states: bool = False,
    ) -> Output:
        """Run a batch; arguments as in `DebertaV2Model.forward`, labels as the class describes.

        Raises:
            DataError: shapes disagree, or the labels do not fit the head.
        """
        tokens = Tokens.of(input_ids, attention_mask, token_type_ids, starts)
        return self.answer(tokens, labels, output_hidden_states)

    def forward_packed(
        self,
        input_ids: Tensor,
        starts: Tensor,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        output_hidden_states: bool = False,
    ) -> Output:
        """Run packed sequences; arguments as in `DebertaV2Model.forward_packed`, what is by token has shape (T, …)."""
        return self.answer(Tokens.packed(input_ids, starts, token_type_ids), labels, output_hidden_states)

    def answer(self, tokens: Tokens, labels: Tensor | None, output_hidden_states: bool) -> Output:
        """Encode the tokens, make the logits and, with labels, the loss."""
        raise NotImplementedError


def shown(states: tuple[Tensor, ...], tokens: Tokens, output_hidden_states: bool) -> tuple[Tensor, ...] | None:
    """The hidden states in the caller's form, None unless they are asked for."""
    return tuple(tokens.unpack(state_TD) for state_TD in states) if output_hidden_states else None


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
