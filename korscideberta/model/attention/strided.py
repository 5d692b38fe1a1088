"""The gather-free form: scores by offset, read as scores by pair through strides. Exact, and fast on a CPU.

On a CPU it works block by block (`blocks`); where that cannot be (a compiler traces the model, another device, a mask
with holes, float16, whose scores need a wider type), in the same way on a padded batch.

A row of the table depends on i - j alone. Multiplying the queries by the rows of the 2L - 1 offsets that occur gives,
line by line, the wanted scores shifted by one place a line; a view whose line stride is one short undoes the shift.
"""

# Shapes: B sequences, L places, H heads, E head size, O = 2L - 1 offsets, U table rows in use

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from korscideberta.model.attention.blocks import attend_in_blocks
from korscideberta.model.attention.interface import PositionTerms, attend_padded
from korscideberta.model.packing import Packing


def attend_strided(
    query_THE: Tensor,
    key_THE: Tensor,
    value_THE: Tensor,
    *,
    terms: PositionTerms | None,
    packing: Packing,
    dropout: float,
) -> Tensor:
    """Attention by strided views of scores by offset; arguments as in `Attend`."""
    fits = query_THE.device.type == "cpu" and query_THE.dtype != torch.float16 and not torch.compiler.is_compiling()
    if fits and packing.spans is not None:
        return attend_in_blocks(query_THE, key_THE, value_THE, terms=terms, spans=packing.spans, dropout=dropout)
    return attend_padded(_add_positions, query_THE, key_THE, value_THE, terms=terms, packing=packing, dropout=dropout)


def skew(x_LO: Tensor) -> Tensor:
    """(…, L, 2L - 1) to (…, L, L): [a, b] is x[a, L - 1 - a + b]. Costs nothing forward; backward is one copy."""
    skewed: Tensor = _Skew.apply(x_LO)  # type: ignore[no-untyped-call]
    return skewed


def _diagonals(x_LO: Tensor) -> Tensor:
    length, offsets = x_LO.shape[-2:]
    if length == 1:
        return x_LO
    # The places from the first wanted one on, in lines one place shorter: a view, in terms a compiler can follow.
    line = offsets - 1
    flat = x_LO.flatten(-2).narrow(-1, length - 1, length * line)
    return flat.view(*x_LO.shape[:-2], length, line)[..., :length]


class _Skew(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_LO: Tensor) -> Tensor:
        return _diagonals(x_LO.contiguous())

    @staticmethod
    def backward(ctx: Any, grad_LL: Tensor) -> Tensor:
        unskewed: Tensor = _Unskew.apply(grad_LL)  # type: ignore[no-untyped-call]
        return unskewed


class _Unskew(torch.autograd.Function):
    """The transpose of the skew: each line goes back to its place among zeros."""

    @staticmethod
    def forward(ctx: Any, x_LL: Tensor) -> Tensor:
        length = x_LL.shape[-1]
        x_LO = x_LL.new_zeros(*x_LL.shape[:-1], 2 * length - 1)
        _diagonals(x_LO).copy_(x_LL)
        return x_LO

    @staticmethod
    def backward(ctx: Any, grad_LO: Tensor) -> Tensor:
        return skew(grad_LO)


def _add_positions(score_HBLL: Tensor, query_HBLE: Tensor, key_HBLE: Tensor, terms: PositionTerms) -> Tensor:
    if terms.key_UHE is not None:
        # Falling offsets: line i, place L - 1 - i + j holds the offset i - j.
        pos_key_HEO = terms.key_UHE.index_select(0, terms.rows_O.flip(0)).permute(1, 2, 0)
        score_HBLL += skew(_by_offset(query_HBLE, pos_key_HEO))
    if terms.query_UHE is not None:
        # Rising offsets: line j, place L - 1 - j + i holds the offset i - j, the same row seen from the key.
        pos_query_HEO = terms.query_UHE.index_select(0, terms.rows_O).permute(1, 2, 0)
        score_HBLL += skew(_by_offset(key_HBLE, pos_query_HEO)).mT
    return score_HBLL


def _by_offset(x_HBLE: Tensor, pos_HEO: Tensor) -> Tensor:
    heads, batch, length, _ = x_HBLE.shape
    return (x_HBLE.flatten(1, 2) @ pos_HEO).view(heads, batch, length, -1)
