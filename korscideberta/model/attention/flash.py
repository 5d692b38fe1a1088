"""A fused kernel for CUDA, from torch's flex_attention: scores are made, used and dropped inside it. Experimental.

Tested against the textbook form on a CPU, where torch runs the same definition without fusing it; it has not been run
or timed on a GPU. It is chosen by name only.

The kernel adds to each score what two small products hold for its pair: each token times each row of the table. It has
no dropout on probabilities; with that, and wherever else it does not fit, the strided form takes over.
"""

# Shapes: T packed tokens, H heads, E head size, L places of the longest sequence, U table rows in use

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from korscideberta.model.attention.interface import PositionTerms
from korscideberta.model.attention.strided import attend_strided
from korscideberta.model.packing import Packing

HEAD_SIZES = (16, 32, 64, 128, 256)
"""What the compiled kernel takes."""


def attend_flash(
    query_THE: Tensor,
    key_THE: Tensor,
    value_THE: Tensor,
    *,
    terms: PositionTerms | None,
    packing: Packing,
    dropout: float,
) -> Tensor:
    """Attention by a fused kernel over the packed tokens, each sequence on its own; arguments as in `Attend`."""
    padding_left = packing.is_view and packing.mask_BL is not None
    fits = query_THE.shape[2] in HEAD_SIZES and query_THE.dtype != torch.float16 and query_THE.shape[0] > 0
    if dropout or padding_left or not fits or torch.compiler.is_compiling():
        return attend_strided(query_THE, key_THE, value_THE, terms=terms, packing=packing, dropout=dropout)
    kernel = _kernel(fused=query_THE.is_cuda)
    query_HTE, key_HTE, value_HTE = (x_THE.transpose(0, 1) for x_THE in (query_THE, key_THE, value_THE))
    context_1HTE: Any = kernel(
        query_HTE[None],
        key_HTE[None],
        value_HTE[None],
        score_mod=None if terms is None else _positions(query_HTE, key_HTE, terms, packing),
        block_mask=_own_sequence(packing, query_THE.device),
        scale=1.0,
    )
    context_THE: Tensor = context_1HTE[0].transpose(0, 1)
    return context_THE.contiguous()


@cache
def _kernel(*, fused: bool) -> Callable[..., Any]:
    from torch.nn.attention.flex_attention import flex_attention  # loads torch's compiler, which takes seconds

    kernel: Callable[..., Any] = torch.compile(flex_attention, dynamic=True) if fused else flex_attention  # type: ignore[assignment]
    return kernel


def _positions(query_HTE: Tensor, key_HTE: Tensor, terms: PositionTerms, packing: Packing) -> Callable[..., Tensor]:
    """The function that adds the position terms of one pair to its score."""
    rows_O, column_T, zero_offset = terms.rows_O, packing.column_T, packing.length - 1
    c2p_HTU = None if terms.key_UHE is None else query_HTE @ terms.key_UHE.permute(1, 2, 0)
    p2c_HTU = None if terms.query_UHE is None else key_HTE @ terms.query_UHE.permute(1, 2, 0)

    def add(score: Tensor, _: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        # Pairs of two sequences are masked out, but the kernel reads a row for them all the same: any that exists.
        offset = (column_T[query] - column_T[key]).clamp(-zero_offset, zero_offset)
        row = rows_O[offset + zero_offset]
        if c2p_HTU is not None:
            score = score + c2p_HTU[head, query, row]
        if p2c_HTU is not None:
            score = score + p2c_HTU[head, key, row]
        return score

    return add


def _own_sequence(packing: Packing, device: torch.device) -> Any:
    from torch.nn.attention.flex_attention import create_block_mask

    row_T, tokens = packing.row_T, packing.place_T.shape[0]

    def same(_: Tensor, __: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return row_T[query] == row_T[key]

    return create_block_mask(same, None, None, tokens, tokens, device=device)
