"""Attention for a choice of tokens: few ask, all answer. The masked-language-model decoder's form.

With few queries the pairs are few, and gathering the row of each is cheaper than making a score for every offset.
"""

# Shapes: T packed tokens, Q queries among them, B sequences, L places, M queries of one sequence at most, H heads,
#         E head size, U table rows in use

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

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
            score_HBML = _add_positions(score_HBML, query_HBME, key_HBLE, terms, queries.column_BM)
    prob_HBML = F.dropout(masked_softmax(score_HBML, packing), dropout, training=dropout > 0)
    context_HBME = prob_HBML.to(value_HBLE.dtype) @ value_HBLE
    return queries.packing.pack(context_HBME.permute(1, 2, 0, 3))


def _add_positions(
    score_HBML: Tensor, query_HBME: Tensor, key_HBLE: Tensor, terms: PositionTerms, column_BM: Tensor
) -> Tensor:
    length = score_HBML.shape[-1]
    offset_BML = column_BM[..., None] - torch.arange(length, device=column_BM.device)
    row_HBML = terms.rows_O[offset_BML + (length - 1)].expand(score_HBML.shape)
    if terms.key_UHE is not None:
        c2p_HBMU = query_HBME @ terms.key_UHE.permute(1, 2, 0)[:, None]
        score_HBML = score_HBML + c2p_HBMU.gather(-1, row_HBML)
    if terms.query_UHE is not None:
        p2c_HBLU = key_HBLE @ terms.query_UHE.permute(1, 2, 0)[:, None]
        score_HBML = score_HBML + p2c_HBLU.gather(-1, row_HBML.mT).mT
    return score_HBML
