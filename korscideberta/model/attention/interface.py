"""What every attention implementation takes and gives, and the steps those that work on padded rows share."""

# Shapes: T packed tokens, B sequences, L places, H heads, E head size, O = 2L - 1 offsets, U table rows in use

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from korscideberta.model.packing import Packing


@dataclass(frozen=True, kw_only=True)
class PositionTerms:
    """The relative table as one layer projects it, the same for every sequence of a batch."""

    key_UHE: Tensor | None
    """Position keys, which content queries meet (c2p); None without that term."""
    query_UHE: Tensor | None
    """Position queries, which content keys meet (p2c), divided by the score's scale; None without that term."""
    rows_O: Tensor
    """Row for each offset -(L - 1), …, L - 1, counted from the first row in use."""


class Attend(Protocol):
    """Disentangled attention over packed sequences."""

    def __call__(
        self,
        query_THE: Tensor,
        key_THE: Tensor,
        value_THE: Tensor,
        *,
        terms: PositionTerms | None,
        packing: Packing,
        dropout: float,
    ) -> Tensor:
        """Each token attends to the tokens of its own sequence.

        Args:
            query_THE: content queries, divided by the score's scale.
            key_THE: content keys.
            value_THE: values.
            terms: the position terms, None for a model without relative attention.
            packing: which tokens form a sequence and where they stand in it.
            dropout: rate for the attention probabilities, 0 outside training.

        Returns:
            context_THE, in the order of the tokens.
        """


AddPositions = Callable[[Tensor, Tensor, Tensor, PositionTerms], Tensor]
"""(score_HBLL, query_HBLE, key_HBLE, terms) -> score_HBLL with the position terms; may reuse the score's memory."""


def attend_padded(
    add_positions: AddPositions,
    query_THE: Tensor,
    key_THE: Tensor,
    value_THE: Tensor,
    *,
    terms: PositionTerms | None,
    packing: Packing,
    dropout: float,
) -> Tensor:
    """Attention by a full matrix of scores for every sequence; arguments as in `Attend`."""
    # Heads lead, so that a position product is one matrix product a head for the whole batch.
    query_HBLE, key_HBLE, value_HBLE = (
        packing.pad(x_THE).permute(2, 0, 1, 3).contiguous() for x_THE in (query_THE, key_THE, value_THE)
    )
    score_HBLL = query_HBLE @ key_HBLE.mT
    if terms is not None:
        score_HBLL = add_positions(score_HBLL, query_HBLE, key_HBLE, terms)
    if packing.mask_BL is not None:
        # The smallest number instead of minus infinity: a sequence without tokens must not turn into NaN.
        lowest = torch.finfo(score_HBLL.dtype).min
        score_HBLL = score_HBLL.masked_fill(~packing.mask_BL[:, None, :], lowest)
    prob_HBLL = F.dropout(score_HBLL.softmax(-1), dropout, training=dropout > 0)
    context_HBLE = prob_HBLL.to(value_HBLE.dtype) @ value_HBLE
    return packing.pack(context_HBLE.permute(1, 2, 0, 3))
