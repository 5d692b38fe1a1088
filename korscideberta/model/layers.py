"""The encoder's building blocks, all on packed tokens."""

# Shapes: T packed tokens, Q of them that ask in a decoder, D hidden, H heads, E head size,
#         U rows of the relative table in use

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from korscideberta.errors import DataError
from korscideberta.model.attention import Attend, PositionTerms, attend_from
from korscideberta.model.config import DebertaV2Config
from korscideberta.model.packing import Packing, Queries

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "relu": F.relu,
    "tanh": torch.tanh,
    "swish": F.silu,
    "sigmoid": torch.sigmoid,
    "linear": nn.Identity(),
}


class SelfAttention(nn.Module):
    """Disentangled self-attention: content against content, plus content against position both ways.

    The score of query i and key j is (q_i·k_j + q_i·K_r + k_j·Q_r) / sqrt(E (1 + number of position terms)), r being
    the table's row for the offset i - j. Source: He et al. 2020 (arXiv 2006.03654), equation 4.
    """

    def __init__(self, config: DebertaV2Config, attend: Attend) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.num_attention_heads * config.head_size
        self.heads = config.num_attention_heads
        self.head_size = config.head_size
        self.scale = 1 / math.sqrt(config.head_size * (1 + len(config.pos_att_type)))
        self.dropout_rate = config.attention_probs_dropout_prob
        self.attend = attend
        self.query = nn.Linear(width, inner)
        self.key = nn.Linear(width, inner)
        self.value = nn.Linear(width, inner)
        self.c2p = "c2p" in config.pos_att_type
        self.p2c = "p2c" in config.pos_att_type
        self.pos_key = nn.Linear(width, inner) if self.c2p and not config.share_att_key else None
        self.pos_query = nn.Linear(width, inner) if self.p2c and not config.share_att_key else None
        self.pos_dropout = nn.Dropout(config.hidden_dropout_prob)
        self.shared: nn.Module = nn.Identity()
        """What is done once to the states that queries, keys and values are made of."""

    def project_positions(self, table_UD: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Rows of the relative table to this layer's position keys and queries, (U, H, E) each or None."""
        table_UD = self.pos_dropout(table_UD)
        key_UHE = self._split((self.pos_key or self.key)(table_UD)) if self.c2p else None
        query_UHE = self._split((self.pos_query or self.query)(table_UD) * self.scale) if self.p2c else None
        return key_UHE, query_UHE

    def forward(self, x_TD: Tensor, terms: PositionTerms | None, packing: Packing) -> Tensor:
        """(T, D) to (T, H * E)."""
        x_TD = self.shared(x_TD)
        return self.attend_to(x_TD, *self.keys_values(x_TD), terms, packing, None)

    def keys_values(self, x_TD: Tensor) -> tuple[Tensor, Tensor]:
        """(T, D) to the content keys and the values, (T, H, E) each."""
        return self._split(self.key(x_TD)), self._split(self.value(x_TD))

    def attend_to(
        self,
        x_QD: Tensor,
        key_THE: Tensor,
        value_THE: Tensor,
        terms: PositionTerms | None,
        packing: Packing,
        queries: Queries | None,
    ) -> Tensor:
        """The states that ask, (Q, D), to (Q, H * E); `queries` says which tokens they are, None that all T ask."""
        query_QHE = self._split(self.query(x_QD) * self.scale)
        dropout = self.dropout_rate if self.training else 0.0
        if queries is None:
            context_QHE = self.attend(query_QHE, key_THE, value_THE, terms=terms, packing=packing, dropout=dropout)
        else:
            context_QHE = attend_from(
                queries, query_QHE, key_THE, value_THE, terms=terms, packing=packing, dropout=dropout
            )
        return context_QHE.flatten(1)

    def _split(self, x_TD: Tensor) -> Tensor:
        return x_TD.view(x_TD.shape[0], self.heads, self.head_size)


class AddAndNorm(nn.Module):
    """The end of each half of a layer: linear, dropout, residual, LayerNorm."""

    def __init__(self, config: DebertaV2Config, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, config.hidden_size)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)

    def forward(self, x_TW: Tensor, residual_TD: Tensor) -> Tensor:
        """(T, width) and the (T, D) residual to (T, D)."""
        normed: Tensor = self.norm(self.dropout(self.dense(x_TW)) + residual_TD)
        return normed


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward network, each with residual and LayerNorm behind it."""

    def __init__(self, config: DebertaV2Config, attend: Attend) -> None:
        super().__init__()
        self.attention = SelfAttention(config, attend)
        self.attention_output = AddAndNorm(config, config.num_attention_heads * config.head_size)
        self.intermediate = nn.Linear(config.hidden_size, config.intermediate_size)
        self.activation = ACTIVATIONS[config.hidden_act]
        self.output = AddAndNorm(config, config.intermediate_size)
        self.most_tokens: int | None = None
        """How many tokens go through the feed-forward network at once; None is all."""

    def forward(self, x_TD: Tensor, terms: PositionTerms | None, packing: Packing) -> Tensor:
        """(T, D) to (T, D)."""
        return self._finish(self.attention(x_TD, terms, packing), x_TD)

    def decode(
        self,
        x_QD: Tensor,
        key_THE: Tensor,
        value_THE: Tensor,
        terms: PositionTerms | None,
        packing: Packing,
        queries: Queries | None,
    ) -> Tensor:
        """The layer with queries from other states than its keys and values; arguments as `SelfAttention.attend_to`."""
        return self._finish(self.attention.attend_to(x_QD, key_THE, value_THE, terms, packing, queries), x_QD)

    def _finish(self, context_TD: Tensor, x_TD: Tensor) -> Tensor:
        if self.most_tokens is None or x_TD.shape[0] <= self.most_tokens:
            return self._feed_forward(context_TD, x_TD)
        parts = zip(*(torch.split(x, self.most_tokens) for x in (context_TD, x_TD)), strict=True)
        return torch.cat([self._feed_forward(*part) for part in parts])

    def _feed_forward(self, context_TD: Tensor, x_TD: Tensor) -> Tensor:
        x_TD = self.attention_output(context_TD, x_TD)
        hidden_TD: Tensor = self.output(self.activation(self.intermediate(x_TD)), x_TD)
        return hidden_TD


class Convolution(nn.Module):
    """What the first layer is given beside attention: a convolution over neighbouring tokens of its input.

    Neighbours are the tokens of the same sequence one column on; where there is none stands a zero, as at padding.
    Source: He et al. 2020 (arXiv 2006.03654), the n-gram induced encoding of version 2.
    """

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__()
        width, kernel = config.hidden_size, config.conv_kernel_size
        self.conv = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=config.conv_groups)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.activation = ACTIVATIONS[config.conv_act]
        self.norm = nn.LayerNorm(width, config.layer_norm_eps)

    def forward(self, x_TD: Tensor, layer_TD: Tensor, packing: Packing) -> Tensor:
        """The first layer's input and output, (T, D) each, to (T, D)."""
        local_TD = packing.pack(self.conv(packing.pad(x_TD).mT).mT)
        normed: Tensor = self.norm(layer_TD + self.activation(self.dropout(local_TD)))
        return normed


class Embeddings(nn.Module):
    """Word embeddings, with absolute positions and token types where the model has them, LayerNorm and dropout.

    `keep_positions` asks for the table of absolute positions even where the input does not have them added.
    """

    def __init__(self, config: DebertaV2Config, *, keep_positions: bool = False) -> None:
        super().__init__()
        width = config.embedding_width
        self.add_positions = config.position_biased_input
        has_positions = self.add_positions or keep_positions
        self.word = nn.Embedding(config.vocab_size, width, padding_idx=config.pad_token_id)
        self.position = nn.Embedding(config.max_position_embeddings, width) if has_positions else None
        self.token_type = nn.Embedding(config.type_vocab_size, width) if config.type_vocab_size else None
        narrow = width != config.hidden_size
        self.projection = nn.Linear(width, config.hidden_size, bias=False) if narrow else None
        self.norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, id_T: Tensor, type_T: Tensor | None, packing: Packing) -> Tensor:
        """Piece ids and token types, (T,) each, to (T, D). Token types None are all 0."""
        x_TD = self.word(id_T)  # of the embeddings' own width until it is projected
        if self.add_positions:
            x_TD = x_TD + self.positions(packing)
        if self.token_type is not None:
            x_TD = x_TD + self.token_type(torch.zeros_like(id_T) if type_T is None else type_T)
        if self.projection is not None:
            x_TD = self.projection(x_TD)
        embedded: Tensor = self.dropout(self.norm(x_TD))
        return embedded

    def positions(self, packing: Packing) -> Tensor:
        """The embedding of every token's absolute position, (T, width of the embeddings).

        A sequence longer than the table raises DataError.
        """
        assert self.position is not None
        limit = self.position.num_embeddings
        if packing.length > limit:
            raise DataError(
                f"a sequence of {packing.length} pieces exceeds the model's {limit} absolute positions; "
                f"encode with max_length={limit} or less"
            )
        embedded: Tensor = self.position(packing.column_T)
        return embedded
