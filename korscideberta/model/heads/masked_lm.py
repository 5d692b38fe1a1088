"""Masked-language-model head: which piece stood where a token was masked."""

# Shapes: B sequences, N places of the caller's batch, T packed tokens, Q of them masked, D hidden, W width of the
#         word embeddings, V vocabulary

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from korscideberta.errors import ConfigError
from korscideberta.model.config import DebertaV2Config
from korscideberta.model.encoder import DebertaV2Model
from korscideberta.model.heads.head import HeadedModel, shown
from korscideberta.model.heads.losses import cross_entropy
from korscideberta.model.heads.vocabulary_loss import vocabulary_cross_entropy
from korscideberta.model.inputs import Tokens
from korscideberta.model.layers import ACTIVATIONS
from korscideberta.model.outputs import MaskedLMOutput


class LMHead(nn.Module):
    """A hidden state through linear layer, activation and LayerNorm, against the word embeddings, plus a bias."""

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__()
        width = config.embedding_width
        self.dense = nn.Linear(config.hidden_size, width)
        self.activation = ACTIVATIONS[config.hidden_act]
        self.norm = nn.LayerNorm(width, config.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))
        tied = config.tie_word_embeddings or config.mlm_head != "legacy"
        self.decoder = None if tied else nn.Linear(width, config.vocab_size, bias=False)

    def transform(self, x_QD: Tensor) -> Tensor:
        """(Q, D) to (Q, W), what the vocabulary's embeddings are compared with."""
        transformed: Tensor = self.norm(self.activation(self.dense(x_QD)))
        return transformed

    def table(self, word_VW: Tensor) -> Tensor:
        """The embeddings to compare with, (V, W): the word embeddings, unless the head has its own."""
        return word_VW if self.decoder is None else self.decoder.weight


class DebertaV2ForMaskedLM(HeadedModel[MaskedLMOutput]):
    """A distribution over the vocabulary for masked tokens.

    Labels are piece ids where a token is to be predicted and negative elsewhere. With labels, only those tokens reach
    the decoder as queries and only they get logits; the mean loss is over them, 0 when there are none.

    With `config.mlm_head` emd, unless absolute positions are in the input already, the last layer gives way to the
    enhanced mask decoder: it runs twice, on queries that start as the states before it plus the absolute positions.
    Source: He et al. 2020 (arXiv 2006.03654), section 3.2. The other kinds of head read the last hidden states.
    """

    def __init__(self, config: DebertaV2Config, attention: str = "auto") -> None:
        super().__init__(config)
        self.decodes = config.mlm_head == "emd" and not config.position_biased_input
        if self.decodes and config.embedding_width != config.hidden_size:
            raise ConfigError(
                f"mlm_head=emd adds absolute positions of embedding_size={config.embedding_width} to states of "
                f"hidden_size={config.hidden_size}; the two must be equal, or mlm_head=plain"
            )
        self.deberta = DebertaV2Model(config, attention, keep_positions=self.decodes)
        self.lm_head = LMHead(config)
        self.lm_head.apply(self.initialise)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        starts: Tensor | None = None,
        output_hidden_states: bool = False,
        output_logits: bool = False,
    ) -> MaskedLMOutput:
        """Run a batch, as in every head; `output_logits` asks for logits (Q, V) beside the loss of labels."""
        tokens = Tokens.of(input_ids, attention_mask, token_type_ids, starts)
        return self.answer(tokens, labels, output_hidden_states, output_logits)

    def forward_packed(
        self,
        input_ids: Tensor,
        starts: Tensor,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        output_hidden_states: bool = False,
        output_logits: bool = False,
    ) -> MaskedLMOutput:
        """Run packed sequences, as in every head; `output_logits` as in `forward`."""
        tokens = Tokens.packed(input_ids, starts, token_type_ids)
        return self.answer(tokens, labels, output_hidden_states, output_logits)

    def answer(
        self, tokens: Tokens, labels: Tensor | None, output_hidden_states: bool, output_logits: bool = False
    ) -> MaskedLMOutput:
        """As in every head; `output_logits` as in `forward`."""
        label_T = None if labels is None else tokens.labels(labels)
        states = self.deberta.encode(tokens, output_hidden_states=output_hidden_states, count=self.depth)
        hidden_states = shown(states, tokens, output_hidden_states)
        if label_T is None:
            logits = tokens.unpack(self._logits(self.lm_head.transform(self._decode(states[-1], tokens, None))))
            return MaskedLMOutput(loss=None, logits=logits, hidden_states=hidden_states)
        if output_logits:
            wanted_T = label_T >= 0
            logits_QV = self._logits(self.lm_head.transform(self._decode(states[-1], tokens, wanted_T)))
            loss = cross_entropy(logits_QV, label_T[wanted_T])
            return MaskedLMOutput(loss=loss, logits=logits_QV, hidden_states=hidden_states)
        loss = self.loss_from(states[-1], tokens, label_T)
        return MaskedLMOutput(loss=loss, logits=None, hidden_states=hidden_states)

    @property
    def depth(self) -> int:
        """How many layers run before the head."""
        return self.config.num_hidden_layers - (1 if self.decodes else 0)

    def loss_from(self, x_TD: Tensor, tokens: Tokens, label_T: Tensor) -> Tensor:
        """The mean loss of the labels (T,), from the output (T, D) of layer number `depth`."""
        wanted_T = label_T >= 0
        x_QW = self.lm_head.transform(self._decode(x_TD, tokens, wanted_T))
        word_VW = self.lm_head.table(self.deberta.embeddings.word.weight)
        return vocabulary_cross_entropy(x_QW, word_VW, self.lm_head.bias, label_T[wanted_T])

    def _decode(self, x_TD: Tensor, tokens: Tokens, wanted_T: Tensor | None) -> Tensor:
        if not self.decodes:
            return x_TD if wanted_T is None else x_TD[wanted_T]
        query_TD = x_TD + self.deberta.embeddings.positions(tokens.packing)
        if wanted_T is None:
            return self.deberta.encoder.decode(x_TD, query_TD, tokens.packing, None)
        queries = tokens.packing.choose(wanted_T)
        return self.deberta.encoder.decode(x_TD, query_TD[queries.token_Q], tokens.packing, queries)

    def _logits(self, x_QW: Tensor) -> Tensor:
        return F.linear(x_QW, self.lm_head.table(self.deberta.embeddings.word.weight), self.lm_head.bias)
