"""Which row of the relative table an offset between two tokens reads.

The offset of query i and key j is i - j; both position terms read the row of that offset. Source: He et al. 2020
(arXiv 2006.03654), section 3.1, and He et al. 2021 (arXiv 2111.09543) for the logarithmic buckets.
"""

# Shapes: L tokens, O = 2L - 1 offsets from -(L - 1) to L - 1, R rows of the relative table

from __future__ import annotations

import math

import torch
from torch import Tensor


def log_bucket(offset: Tensor, buckets: int, span: int) -> Tensor:
    """Bucket of each offset: small ones keep their own, larger ones share logarithmically growing ranges.

    Args:
        offset: whole numbers of any shape and either sign; beyond span - 1 they count as span - 1.
        buckets: half the height of the relative table; offsets up to buckets // 2 map to themselves.
        span: the offset span - 1 falls into the last bucket, buckets - 1.

    Returns:
        int64 of the same shape, odd in `offset`.
    """
    offset = offset.clamp(1 - span, span - 1)
    middle = buckets // 2
    distance = offset.abs()
    # Offsets below the middle would have a negative logarithm; their result is not used. The logarithm is in float32:
    # released weights were trained with its rounding, which decides the bucket of the farthest offset.
    growth = torch.log(distance.clamp(min=middle).float() / middle) / math.log((span - 1) / middle)
    far = middle + torch.ceil(growth * (middle - 1)).long()
    return torch.where(distance <= middle, offset, offset.sign() * far)


def offset_rows(length: int, buckets: int, span: int) -> Tensor:
    """Row of the relative table for every offset that occurs among `length` tokens.

    Args:
        length: L, any positive number, also beyond `span`: far offsets share the table's first and last rows.
        buckets: rows per sign with logarithmic buckets; below 1, one row for each offset up to `span`.
        span: positions the table reaches.

    Returns:
        rows_O: int64 (2L - 1,), never falling, for the offsets -(L - 1), …, L - 1.
    """
    offset_O = torch.arange(1 - length, length)
    half = buckets if buckets > 0 else span
    bucket_O = log_bucket(offset_O, buckets, span) if buckets > 0 else offset_O
    return (bucket_O + half).clamp(0, 2 * half - 1)


def pair_rows(rows_O: Tensor) -> Tensor:
    """Row for every pair of tokens: (2L - 1,) rows by offset become (L, L) rows, [i, j] read at offset i - j."""
    length = (rows_O.shape[0] + 1) // 2
    position_L = torch.arange(length, device=rows_O.device)
    return rows_O[position_L[:, None] - position_L + (length - 1)]
