"""What every attention implementation takes and gives, and the steps those that work on padded rows share."""

# Shapes: T packed tokens, B sequences, L places, M queries of one, H heads, E head size, O = 2L - 1 offsets,
#         U table rows in use

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
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
    with score_precision(query_THE):
        query_HBLE, key_HBLE, terms = scorable(query_HBLE), scorable(key_HBLE), scorable_terms(terms)
        score_HBLL = query_HBLE @ key_HBLE.mT
        if terms is not None:
            score_HBLL = add_positions(score_HBLL, query_HBLE, key_HBLE, terms)
    prob_HBLL = F.dropout(masked_softmax(score_HBLL, packing), dropout, training=dropout > 0)
    context_HBLE = prob_HBLL.to(value_HBLE.dtype) @ value_HBLE
    return packing.pack(context_HBLE.permute(1, 2, 0, 3))


def masked_softmax(score_HBML: Tensor, packing: Packing) -> Tensor:
    """Scores of any queries and all L places of their sequence, (H, B, M, L), to probabilities, 0 at padding.

    In a sequence of nothing but padding every place has the same.
    """
    if packing.mask_BL is not None:
        # The smallest number instead of minus infinity: a sequence without tokens must not turn into NaN.
        lowest = torch.finfo(score_HBML.dtype).min
        score_HBML = score_HBML.masked_fill(~packing.mask_BL[:, None, :], lowest)
    return score_HBML.softmax(-1)


def scorable(x: Tensor) -> Tensor:
    """float16 as float32: what scores are made of, as in the original, since they can exceed what float16 holds."""
    return x.float() if x.dtype == torch.float16 else x


def scorable_terms(terms: PositionTerms | None) -> PositionTerms | None:
    """The position terms, as `scorable` leaves them."""
    if terms is None:
        return None
    key_UHE, query_UHE = (None if x is None else scorable(x) for x in (terms.key_UHE, terms.query_UHE))
    return PositionTerms(key_UHE=key_UHE, query_UHE=query_UHE, rows_O=terms.rows_O)


def score_precision(query_THE: Tensor) -> AbstractContextManager[object]:
    """Within it a product of `scorable` tensors stays as precise as they are, whatever mixed precision is on."""
    if query_THE.dtype == torch.float16:
        return torch.autocast(query_THE.device.type, enabled=False)
    return nullcontext()
