"""Attention for a choice of tokens: few ask, all answer. The masked-language-model decoder's form.

With few queries the pairs are few, and gathering the row of each is cheaper than making a score for every offset.
"""

# Shapes: T packed tokens, Q queries among them, B sequences, L places, M queries of one sequence at most, H heads,
#         E head size, U table rows in use

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from korscideberta.model.attention.dense import gather_positions
from korscideberta.model.attention.interface import (
    PositionTerms,
    masked_softmax,
    scorable,
    scorable_terms,
    score_precision,
)
from korscideberta.model.packing import Packing, Queries


def attend_from(
    queries: Queries,
    query_QHE: Tensor,
    key_THE: Tensor,
    value_THE: Tensor,
    *,
    terms: PositionTerms | None,
    packing: Packing,
    dropout: float,
) -> Tensor:
    """Each query attends to the tokens of its own sequence; arguments as in `Attend`.

    Returns:
        context_QHE, in the order of the queries.
    """
    query_HBME = queries.packing.pad(query_QHE).permute(2, 0, 1, 3)
    key_HBLE, value_HBLE = (packing.pad(x_THE).permute(2, 0, 1, 3) for x_THE in (key_THE, value_THE))
    with score_precision(query_QHE):
        query_HBME, key_HBLE, terms = scorable(query_HBME), scorable(key_HBLE), scorable_terms(terms)
        score_HBML = query_HBME @ key_HBLE.mT
        if terms is not None:
            row_BML = _rows(terms, queries.column_BM, score_HBML.shape[-1])
            score_HBML = gather_positions(score_HBML, query_HBME, key_HBLE, terms, row_BML)
    prob_HBML = F.dropout(masked_softmax(score_HBML, packing), dropout, training=dropout > 0)
    context_HBME = prob_HBML.to(value_HBLE.dtype) @ value_HBLE
    return queries.packing.pack(context_HBME.permute(1, 2, 0, 3))


def _rows(terms: PositionTerms, column_BM: Tensor, length: int) -> Tensor:
    """The row of each pair of a query and a place of its sequence, (B, M, L)."""
    offset_BML = column_BM[..., None] - torch.arange(length, device=column_BM.device)
    return terms.rows_O[offset_BML + (length - 1)]
