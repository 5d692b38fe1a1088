"""The bare model: piece ids in, one hidden state for every piece out."""

# Shapes: B sequences, N places of the caller's batch, L places in use, T packed tokens, D hidden,
#         R rows of the relative table, U of them in use, H heads, E head size

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from korscideberta.errors import DataError
from korscideberta.model.attention import PositionTerms, choose_attention
from korscideberta.model.config import DebertaV2Config
from korscideberta.model.layers import Embeddings, EncoderLayer
from korscideberta.model.outputs import EncoderOutput
from korscideberta.model.packing import Packing
from korscideberta.model.positions import offset_rows

Self = TypeVar("Self", bound="PretrainedModel")
Projected = tuple[Tensor | None, Tensor | None]


class PretrainedModel(nn.Module):
    """A model with a configuration, initial weights and a folder to be read from and saved to."""

    config: DebertaV2Config
    load_report: Any = None
    """The LoadReport of `from_pretrained`; None for a model built from a configuration."""

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__()
        self.config = config

    @classmethod
    def from_pretrained(
        cls: type[Self],
        folder: str | Path,
        *,
        num_labels: int | None = None,
        labels: list[str] | tuple[str, ...] | None = None,
        attention: str = "auto",
        **config_overrides: Any,
    ) -> Self:
        """Build the model a folder describes and load its weights; see `checkpoints.load`."""
        from korscideberta.model import checkpoints

        return checkpoints.load(
            cls, folder, num_labels=num_labels, labels=labels, attention=attention, **config_overrides
        )

    def save_pretrained(self, folder: str | Path) -> None:
        """Write config.json and model.safetensors in the Hugging Face layout; see `checkpoints.save`."""
        from korscideberta.model import checkpoints

        checkpoints.save(self, folder)

    def get_input_embeddings(self) -> nn.Embedding:
        """Return the word-embedding table, the one a token's id is looked up in."""
        encoder: Any = getattr(self, "deberta", self)
        table: nn.Embedding = encoder.embeddings.word
        return table

    @torch.no_grad()
    def initialise(self, module: nn.Module) -> None:
        """Give one module fresh weights: normal with initializer_range, biases 0, LayerNorm the identity."""
        if isinstance(module, (nn.Linear, nn.Embedding)):
            module.weight.normal_(0.0, self.config.initializer_range)
        if isinstance(module, nn.Linear):
            module.bias.zero_()
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            module.weight[module.padding_idx].zero_()
        if isinstance(module, nn.LayerNorm):
            module.reset_parameters()


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
        self._projected: tuple[object, list[Projected]] | None = None

    def forward(self, x_TD: Tensor, packing: Packing, visit: Callable[[Tensor], None]) -> Tensor:
        """(T, D) embeddings to (T, D); `visit` is called with the output of every layer."""
        for layer, terms in zip(self.layers, self._position_terms(packing.length, x_TD.device), strict=True):
            x_TD = layer(x_TD, terms, packing)
            visit(x_TD)
        return x_TD

    def train(self, mode: bool = True) -> Encoder:
        """Switch between training and evaluation; forgets the kept position projections."""
        self._projected = None
        return super().train(mode)

    def _position_terms(self, length: int, device: torch.device) -> list[PositionTerms | None]:
        if self.relative is None:
            return [None] * len(self.layers)
        rows_O = offset_rows(length, self.config.position_buckets, self.config.position_span)
        first, last = int(rows_O[0]), int(rows_O[-1])
        rows_O = (rows_O - first).to(device)
        if self.training or torch.is_grad_enabled():
            projected = self._project(first, last + 1)
        else:
            projected = [
                (_rows(key_RHE, first, last + 1), _rows(query_RHE, first, last + 1))
                for key_RHE, query_RHE in self._projected_once()
            ]
        return [PositionTerms(key_UHE=key, query_UHE=query, rows_O=rows_O) for key, query in projected]

    def _project(self, first: int, end: int) -> list[Projected]:
        assert self.relative is not None
        table_UD = self.relative.weight[first:end]
        if self.norm is not None:
            table_UD = self.norm(table_UD)
        return [cast(EncoderLayer, layer).attention.project_positions(table_UD) for layer in self.layers]

    def _projected_once(self) -> list[Projected]:
        # The whole table through every layer does not depend on the batch. It is kept while the weights are the same:
        # an in-place change raises a tensor's version, a new tensor has another address. Inference tensors have no
        # version, and so no safe way to tell.
        weights = list(self.parameters())
        if any(weight.is_inference() for weight in weights):
            return self._project(0, self.config.relative_rows)
        key = (
            torch.is_autocast_enabled(weights[0].device.type),
            torch.get_autocast_dtype(weights[0].device.type),
            tuple((weight.data_ptr(), weight.dtype, weight._version) for weight in weights),
        )
        if self._projected is None or self._projected[0] != key:
            self._projected = (key, self._project(0, self.config.relative_rows))
        return self._projected[1]


def _rows(x_RHE: Tensor | None, first: int, end: int) -> Tensor | None:
    return None if x_RHE is None else x_RHE[first:end]


class DebertaV2Model(PretrainedModel):
    """The encoder without a head.

    Args:
        config: the model's settings.
        attention: the implementation, one of `ATTENTION_NAMES`; all of them give the same result.
    """

    def __init__(self, config: DebertaV2Config, attention: str = "auto") -> None:
        super().__init__(config)
        self.embeddings = Embeddings(config)
        self.encoder = Encoder(config, attention)
        self.apply(self.initialise)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        *,
        output_hidden_states: bool = False,
    ) -> EncoderOutput:
        """Encode a padded batch.

        Args:
            input_ids: (B, N) piece ids.
            attention_mask: (B, N), 0 where there is padding; None means there is none.
            token_type_ids: (B, N); None is all 0. Without effect when the model has no token types.
            output_hidden_states: also return the embeddings and the output of every layer.

        Returns:
            Hidden states (B, N, D), zero where the mask is 0.

        Raises:
            DataError: shapes disagree, or a sequence is longer than the absolute positions of a model that has them.
        """
        packing, id_T, type_T = self.pack(input_ids, attention_mask, token_type_ids)
        states = self.encode(id_T, type_T, packing, output_hidden_states=output_hidden_states)
        padded = tuple(self.unpack(state_TD, packing, input_ids.shape[1]) for state_TD in states)
        return EncoderOutput(last_hidden_state=padded[-1], hidden_states=padded if output_hidden_states else None)

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
            starts: (B,) rising places where the sequences begin, the first 0.
            token_type_ids: (T,); None is all 0.
            output_hidden_states: also return the embeddings and the output of every layer.

        Returns:
            Hidden states (T, D).
        """
        packing = Packing.from_starts(starts, input_ids.shape[0])
        states = self.encode(input_ids, token_type_ids, packing, output_hidden_states=output_hidden_states)
        return EncoderOutput(last_hidden_state=states[-1], hidden_states=states if output_hidden_states else None)

    def encode(
        self, id_T: Tensor, type_T: Tensor | None, packing: Packing, *, output_hidden_states: bool = False
    ) -> tuple[Tensor, ...]:
        """(T,) ids to the last hidden states (T, D), preceded by all earlier ones when they are asked for."""
        limit = self.config.max_position_embeddings
        if self.config.position_biased_input and packing.length > limit:
            raise DataError(
                f"a sequence of {packing.length} pieces exceeds the model's {limit} absolute positions; "
                f"encode with max_length={limit} or less"
            )
        x_TD = self.embeddings(id_T, type_T, packing)
        states = [x_TD]
        x_TD = self.encoder(x_TD, packing, states.append if output_hidden_states else _ignore)
        return tuple(states) if output_hidden_states else (x_TD,)

    @staticmethod
    def pack(
        input_ids: Tensor, attention_mask: Tensor | None, token_type_ids: Tensor | None
    ) -> tuple[Packing, Tensor, Tensor | None]:
        """(B, N) ids, mask and types to a Packing with the ids and types of the real tokens, (T,) each."""
        if input_ids.dim() != 2:
            raise DataError(f"input_ids must be (batch, length), found shape {tuple(input_ids.shape)}")
        for name, other in (("attention_mask", attention_mask), ("token_type_ids", token_type_ids)):
            if other is not None and other.shape != input_ids.shape:
                raise DataError(f"{name} has shape {tuple(other.shape)}, input_ids has {tuple(input_ids.shape)}")
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        packing = Packing.from_mask(attention_mask)
        columns = slice(None, packing.length)
        type_T = None if token_type_ids is None else packing.pack(token_type_ids[:, columns])
        return packing, packing.pack(input_ids[:, columns]), type_T

    @staticmethod
    def unpack(x_TD: Tensor, packing: Packing, width: int) -> Tensor:
        """(T, D) to (B, width, D), zero where no token stands."""
        x_BLD = packing.pad(x_TD)
        return F.pad(x_BLD, (0, 0, 0, width - packing.length)) if width > packing.length else x_BLD


def _ignore(x_TD: Tensor) -> None:
    """Keep nothing of a layer's output."""
