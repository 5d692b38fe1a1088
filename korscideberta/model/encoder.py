"""The bare model: piece ids in, one hidden state for every piece out."""

# Shapes: B sequences, N places of the caller's batch, L places in use, T packed tokens, Q of them that ask in a
#         decoder, D hidden, R rows of the relative table, U of them in use, H heads, E head size

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from korscideberta.model.attention import PositionTerms, choose_attention
from korscideberta.model.config import DebertaV2Config
from korscideberta.model.inputs import Tokens
from korscideberta.model.layers import Convolution, Embeddings, EncoderLayer
from korscideberta.model.outputs import EncoderOutput
from korscideberta.model.packing import Packing, Queries
from korscideberta.model.positions import offset_rows

Self = TypeVar("Self", bound="PretrainedModel")
Projected = tuple[Tensor | None, Tensor | None]


class PretrainedModel(nn.Module):
    """A model with a configuration, initial weights and a place to be read from and saved to."""

    config: DebertaV2Config
    load_report: Any = None
    """The LoadReport of `from_pretrained`; None for a model built from a configuration."""

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__()
        self.config = config

    @classmethod
    def from_pretrained(
        cls: type[Self],
        source: str | Path,
        *,
        revision: str | None = None,
        num_labels: int | None = None,
        labels: list[str] | tuple[str, ...] | None = None,
        attention: str = "auto",
        **config_overrides: Any,
    ) -> Self:
        """Build the model of a folder or hub repository and load its weights; see `checkpoints.load`."""
        from korscideberta.model import checkpoints

        return checkpoints.load(
            cls,
            source,
            revision=revision,
            num_labels=num_labels,
            labels=labels,
            attention=attention,
            **config_overrides,
        )

    def save_pretrained(self, folder: str | Path) -> None:
        """Write config.json and model.safetensors in the Hugging Face layout; see `checkpoints.save`."""
        from korscideberta.model import checkpoints

        checkpoints.save(self, folder)

    def gradient_checkpointing_enable(self) -> None:
        """Keep only the input of every layer for the backward pass, which runs the layer again: memory for time."""
        self._encoder.gradient_checkpointing = True

    def gradient_checkpointing_disable(self) -> None:
        """Keep all that the backward pass needs, the default."""
        self._encoder.gradient_checkpointing = False

    @property
    def _encoder(self) -> Encoder:
        bare: Any = getattr(self, "deberta", self)
        return cast(Encoder, bare.encoder)

    def get_input_embeddings(self) -> nn.Embedding:
        """Return the word-embedding table, the one a token's id is looked up in."""
        encoder: Any = getattr(self, "deberta", self)
        table: nn.Embedding = encoder.embeddings.word
        return table

    @torch.no_grad()
    def initialise(self, module: nn.Module) -> None:
        """Give one module fresh weights: normal with initializer_range, biases 0, LayerNorm the identity.

        A convolution starts from torch's own distribution, as in the original implementation.
        """
        if isinstance(module, (nn.Linear, nn.Embedding)):
            module.weight.normal_(0.0, self.config.initializer_range)
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            module.weight[module.padding_idx].zero_()
        if isinstance(module, nn.LayerNorm):
            module.weight.fill_(1.0)
        if isinstance(module, nn.Conv1d):
            module.reset_parameters()
        if isinstance(bias := getattr(module, "bias", None), Tensor):
            bias.zero_()


class Encoder(nn.Module):
    """The layers and the relative table they share."""

    def __init__(self, config: DebertaV2Config, attention: str) -> None:
        super().__init__()
        attend = choose_attention(attention)
        self.config = config
        self.relative = nn.Embedding(config.relative_rows, config.hidden_size) if config.relative_attention else None
        normed = config.relative_attention and config.norm_rel_ebd == "layer_norm"
        self.norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps) if normed else None
        self.layers: nn.ModuleList = nn.ModuleList(
            EncoderLayer(config, attend) for _ in range(config.num_hidden_layers)
        )
        self.convolution = Convolution(config) if config.conv_kernel_size else None
        self.gradient_checkpointing = False
        self._projected: tuple[object, dict[EncoderLayer, Projected]] | None = None

    def forward(
        self, x_TD: Tensor, packing: Packing, visit: Callable[[Tensor], None], count: int | None = None
    ) -> Tensor:
        """(T, D) embeddings to (T, D) through the first `count` layers; `visit` is called with the output of each."""
        layers = self._layers[:count]
        embedded_TD = x_TD
        for layer, terms in zip(layers, self._position_terms(layers, packing.length, x_TD.device), strict=True):
            x_TD = self._run(layer, x_TD, terms, packing)
            if layer is self.layers[0] and self.convolution is not None:
                x_TD = self.convolution(embedded_TD, x_TD, packing)
            visit(x_TD)
        return x_TD

    def decode(self, x_TD: Tensor, query_QD: Tensor, packing: Packing, queries: Queries | None) -> Tensor:
        """The last layer twice over: its queries come from `query_QD`, then from its own output, (Q, D) both.

        Keys and values are those of `x_TD`, the output of the layer before. `queries` says which tokens ask, None that
        all do. Source: the enhanced mask decoder, He et al. 2020 (arXiv 2006.03654), section 3.2.
        """
        last = self._layers[-1]
        key_THE, value_THE = last.attention.keys_values(x_TD)
        for terms in self._position_terms([last, last], packing.length, x_TD.device):
            query_QD = self._run(last.decode, query_QD, key_THE, value_THE, terms, packing, queries)
        return query_QD

    def _run(self, function: Callable[..., Tensor], *arguments: Any) -> Tensor:
        if self.gradient_checkpointing and torch.is_grad_enabled():
            again: Tensor = checkpoint(function, *arguments, use_reentrant=False)
            return again
        return function(*arguments)

    @property
    def _layers(self) -> list[EncoderLayer]:
        return cast(list[EncoderLayer], list(self.layers))

    def train(self, mode: bool = True) -> Encoder:
        """Switch between training and evaluation; forgets the kept position projections."""
        self._projected = None
        return super().train(mode)

    def _position_terms(
        self, layers: list[EncoderLayer], length: int, device: torch.device
    ) -> list[PositionTerms | None]:
        if self.relative is None:
            return [None] * len(layers)
        rows_O = offset_rows(length, self.config.position_buckets, self.config.position_span)
        # A compiler cannot read the numbers in a tensor, nor what is kept from earlier calls.
        compiling = torch.compiler.is_compiling()
        first, last = (0, self.config.relative_rows - 1) if compiling else (int(rows_O[0]), int(rows_O[-1]))
        rows_O = (rows_O - first).to(device)
        if self.training or torch.is_grad_enabled() or compiling:
            table_UD = self._table(first, last + 1)
            projected = [layer.attention.project_positions(table_UD) for layer in layers]
        else:
            kept = self._projected_once()
            projected = [
                (_rows(key_RHE, first, last + 1), _rows(query_RHE, first, last + 1))
                for key_RHE, query_RHE in (kept[layer] for layer in layers)
            ]
        return [PositionTerms(key_UHE=key, query_UHE=query, rows_O=rows_O) for key, query in projected]

    def _table(self, first: int, end: int) -> Tensor:
        assert self.relative is not None
        table_UD = self.relative.weight[first:end]
        return table_UD if self.norm is None else self.norm(table_UD)

    def _projected_once(self) -> dict[EncoderLayer, Projected]:
        # The whole table through every layer does not depend on the batch. It is kept while the weights are the same:
        # an in-place change raises a tensor's version, a new tensor has another address. Inference tensors have no
        # version, and so no safe way to tell.
        weights = list(self.parameters())
        key = None
        if not any(weight.is_inference() for weight in weights):
            key = (
                torch.is_autocast_enabled(weights[0].device.type),
                torch.get_autocast_dtype(weights[0].device.type),
                tuple((weight.data_ptr(), weight.dtype, weight._version) for weight in weights),
            )
        if self._projected is not None and key is not None and self._projected[0] == key:
            return self._projected[1]
        table_RD = self._table(0, self.config.relative_rows)
        projected = {layer: layer.attention.project_positions(table_RD) for layer in self._layers}
        self._projected = None if key is None else (key, projected)
        return projected


def _rows(x_RHE: Tensor | None, first: int, end: int) -> Tensor | None:
    return None if x_RHE is None else x_RHE[first:end]


class DebertaV2Model(PretrainedModel):
    """The encoder without a head.

    Args:
        config: the model's settings.
        attention: the implementation, one of `ATTENTION_NAMES`; all of them give the same result.
        keep_positions: keep a table of absolute positions for a decoder, even if the input does not have them added.
    """

    def __init__(self, config: DebertaV2Config, attention: str = "auto", *, keep_positions: bool = False) -> None:
        super().__init__(config)
        self.embeddings = Embeddings(config, keep_positions=keep_positions)
        self.encoder = Encoder(config, attention)
        self.apply(self.initialise)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        *,
        starts: Tensor | None = None,
        output_hidden_states: bool = False,
    ) -> EncoderOutput:
        """Encode a padded batch or, with `starts`, a packed one; see `forward_packed`.

        Args:
            input_ids: (B, N) piece ids.
            attention_mask: (B, N), 0 where there is padding; None means there is none.
            token_type_ids: (B, N); None is all 0. Without effect when the model has no token types.
            starts: (B,) where the sequences of a packed batch begin; ids and types are (T,) then, without a mask.
            output_hidden_states: also return the embeddings and the output of every layer.

        Returns:
            Hidden states (B, N, D), zero where the mask is 0, or packed (T, D).

        Raises:
            DataError: shapes disagree, or a sequence is longer than the absolute positions of a model that has them.
        """
        return self._answer(Tokens.of(input_ids, attention_mask, token_type_ids, starts), output_hidden_states)

    def forward_packed(
        self,
        input_ids: Tensor,
        starts: Tensor,
        token_type_ids: Tensor | None = None,
        *,
        output_hidden_states: bool = False,
    ) -> EncoderOutput:
        """Encode sequences that follow one another without padding.

        Args:
            input_ids: (T,) piece ids.
            starts: (B,) rising places where the sequences begin, the first 0; best on the CPU.
            token_type_ids: (T,); None is all 0.
            output_hidden_states: also return the embeddings and the output of every layer.

        Returns:
            Hidden states (T, D).
        """
        return self._answer(Tokens.packed(input_ids, starts, token_type_ids), output_hidden_states)

    def encode(
        self, tokens: Tokens, *, output_hidden_states: bool = False, count: int | None = None
    ) -> tuple[Tensor, ...]:
        """The last hidden states (T, D), preceded by all earlier ones when they are asked for.

        `count` is how many layers run, None for all of them.
        """
        x_TD = self.embeddings(tokens.id_T, tokens.type_T, tokens.packing)
        states = [x_TD]
        x_TD = self.encoder(x_TD, tokens.packing, states.append if output_hidden_states else _ignore, count)
        return tuple(states) if output_hidden_states else (x_TD,)

    def _answer(self, tokens: Tokens, output_hidden_states: bool) -> EncoderOutput:
        states = self.encode(tokens, output_hidden_states=output_hidden_states)
        states = tuple(tokens.unpack(state_TD) for state_TD in states)
        return EncoderOutput(last_hidden_state=states[-1], hidden_states=states if output_hidden_states else None)


def _ignore(x_TD: Tensor) -> None:
    """Keep nothing of a layer's output."""
