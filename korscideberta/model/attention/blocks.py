"""The form for a CPU: the same scores by offset as in the strided form, made and used up in blocks that stay in cache.

Each sequence is worked on at its own length, a few heads and queries at a time, so neither the padding of a batch nor
the scores of a whole batch ever exist. For backward, short sequences keep their probabilities; long ones keep nothing
but the inputs and make each block again (Dao et al. 2022, arXiv 2205.14135, section 3.1, without the tiles of keys).
"""

# Shapes: T packed tokens, H heads, E head size, O offsets of the longest sequence, U table rows in use.
#         Within a block: G heads, M queries, L keys (a whole sequence). Within a tile: N queries or keys, W offsets

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from korscideberta.model.attention.interface import PositionTerms

Spans = tuple[tuple[int, int], ...]
_Inputs = tuple[Tensor, Tensor, Tensor, Tensor | None, Tensor | None, Tensor | None]
"""query_THE, key_THE, value_THE, pos_key_UHE, pos_query_UHE and rows_O."""

# A block's scores should stay in a processor's caches, and be worth a dozen calls.
_SCORES_PER_THREAD = 1 << 18
_MOST_QUERIES = 512
_FEWEST_QUERIES = 128
# The product by offset of N queries and L keys is N + L - 1 wide: small tiles waste little of it.
_TILE = 128
_KEPT_LENGTH = 8
"""Sequences up to that many head sizes keep their probabilities: half of what the rest of a layer keeps, at most."""


def attend_in_blocks(
    query_THE: Tensor, key_THE: Tensor, value_THE: Tensor, *, terms: PositionTerms | None, spans: Spans, dropout: float
) -> Tensor:
    """Attention over sequences that are whole; arguments as in `Attend`.

    Args:
        query_THE: content queries, divided by the score's scale.
        key_THE: content keys.
        value_THE: values.
        terms: the position terms.
        spans: first token and end of every sequence; a sequence's tokens stand at consecutive places.
        dropout: rate for the attention probabilities.

    Returns:
        context_THE, in the order of the tokens.
    """
    positions = (None, None, None) if terms is None else (terms.key_UHE, terms.query_UHE, terms.rows_O)
    # Backward must drop what forward dropped, so the noise of a call starts from one number drawn once.
    seed = int(torch.randint(1 << 62, ())) if dropout else None
    context_THE: Tensor = _BlockAttention.apply(  # type: ignore[no-untyped-call]
        spans, dropout, seed, query_THE, key_THE, value_THE, *positions
    )
    return context_THE


def diagonals(x_MW: Tensor) -> Tensor:
    """View (…, M, M + L - 1) as (…, M, L): [a, b] is x[a, M - 1 - a + b]."""
    *lead, lines, width = x_MW.shape
    return x_MW.as_strided(
        (*lead, lines, width - lines + 1),
        (*x_MW.stride()[:-2], width - 1, 1),
        x_MW.storage_offset() + lines - 1,
    )


@dataclass(frozen=True)
class _Block:
    """Some heads and queries of one sequence, which starts at token `start` and has `length` tokens."""

    start: int
    length: int
    heads: slice
    first: int
    end: int

    @property
    def queries(self) -> tuple[slice, slice]:
        return slice(self.start + self.first, self.start + self.end), self.heads

    @property
    def keys(self) -> tuple[slice, slice]:
        return slice(self.start, self.start + self.length), self.heads

    @property
    def query_tiles(self) -> list[slice]:
        """The queries in tiles, counted from the block's first."""
        return _tiles(self.end - self.first)

    @property
    def key_tiles(self) -> list[slice]:
        """The keys in tiles."""
        return _tiles(self.length)


def _tiles(length: int) -> list[slice]:
    return [slice(first, min(first + _TILE, length)) for first in range(0, length, _TILE)]


def _blocks(spans: Spans, heads: int) -> Iterator[_Block]:
    budget = _SCORES_PER_THREAD * torch.get_num_threads()
    for start, end in spans:
        length = end - start
        if length == 0:
            continue
        queries = min(length, _MOST_QUERIES, max(_FEWEST_QUERIES, budget // length))
        group = max(1, min(heads, budget // (queries * length)))
        for head, first in itertools.product(range(0, heads, group), range(0, length, queries)):
            yield _Block(start, length, slice(head, min(head + group, heads)), first, min(first + queries, length))


class _Scratch:
    """Memory for one thing at a time, in whatever shape a block needs; grows to the largest."""

    def __init__(self, like: Tensor, *, blank: bool = False) -> None:
        self._memory = like.new_empty(0)
        self._blank = blank
        self._view = self._memory

    def __call__(self, *shape: int) -> Tensor:
        """Memory in that shape; a blank scratch is zero, but for what was written to it in the same shape before."""
        if self._view.shape != shape:
            size = torch.Size(shape).numel()
            if self._memory.numel() < size:
                self._memory = self._memory.new_empty(size)
            self._view = self._memory[:size].view(shape)
            if self._blank:
                self._view.zero_()
        return self._view


class _Work:
    """Tensors of a call, head first, and the scores of any block of them."""

    def __init__(self, inputs: _Inputs, dropout: float, seed: int | None) -> None:
        query_THE, key_THE, value_THE, pos_key_UHE, pos_query_UHE, rows_O = inputs
        self.query_HTE, self.key_HTE, self.value_HTE = (x.transpose(0, 1) for x in (query_THE, key_THE, value_THE))
        self.zero_offset = 0 if rows_O is None else rows_O.shape[0] // 2
        # Falling offsets for the queries' lines, rising ones for the keys': both read their scores along diagonals.
        self.falling_HOE = _by_offset(pos_key_UHE, None if rows_O is None else rows_O.flip(0))
        self.rising_HOE = _by_offset(pos_query_UHE, rows_O)
        self.noise = None if seed is None else torch.Generator(query_THE.device).manual_seed(seed)
        # Four draws share a random number, so a rate is a count of 65536ths.
        dropped = round(dropout * 65536)
        self.threshold, self.keep = dropped - 32768, 1 - dropped / 65536
        self.product, self.kept, self.used = (_Scratch(query_THE) for _ in range(3))

    def falling(self, block: _Block, tile: slice) -> tuple[slice, slice]:
        """Where `falling_HOE` holds the offsets of a tile of the block's queries to all keys."""
        return block.heads, slice(
            self.zero_offset - block.first - tile.stop + 1,
            self.zero_offset - block.first - tile.start + block.length,
        )

    def rising(self, block: _Block, tile: slice) -> tuple[slice, slice]:
        """Where `rising_HOE` holds the offsets of the block's queries to a tile of keys."""
        return block.heads, slice(
            self.zero_offset + block.first - tile.stop + 1, self.zero_offset + block.end - tile.start
        )

    def probabilities(self, block: _Block, memory: _Scratch) -> Tensor:
        """Softmax of the block's scores, (G, M, L)."""
        query_GME, key_GLE = _cut(self.query_HTE, block.queries), _cut(self.key_HTE, block.keys)
        group, queries, _ = query_GME.shape
        score_GML = torch.bmm(query_GME, key_GLE.mT, out=memory(group, queries, block.length))
        if self.falling_HOE is not None:
            for tile in block.query_tiles:
                query_GNE, falling_GWE = query_GME[:, tile], self.falling_HOE[self.falling(block, tile)]
                product_GNW = self.product(group, query_GNE.shape[1], falling_GWE.shape[1])
                score_GML[:, tile] += diagonals(torch.bmm(query_GNE, falling_GWE.mT, out=product_GNW))
        if self.rising_HOE is not None:
            for tile in block.key_tiles:
                key_GNE, rising_GWE = key_GLE[:, tile], self.rising_HOE[self.rising(block, tile)]
                product_GNW = self.product(group, key_GNE.shape[1], rising_GWE.shape[1])
                score_GML[..., tile] += diagonals(torch.bmm(key_GNE, rising_GWE.mT, out=product_GNW)).mT
        return torch.softmax(score_GML, -1, out=score_GML)

    def kept_GML(self, shape: torch.Size) -> Tensor | None:
        """Which of a block's probabilities dropout keeps, 1 or 0, drawn in the order of the blocks; None is all."""
        if self.noise is None:
            return None
        count = shape.numel()
        draws = torch.empty((count + 3) // 4, dtype=torch.int64).random_(-(2**63), None, generator=self.noise)
        return torch.ge(draws.view(torch.int16)[:count].view(shape), self.threshold, out=self.kept(*shape))


class _BlockAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, spans: Spans, dropout: float, seed: int | None, *inputs: Any) -> Tensor:
        query_THE: Tensor = inputs[0]
        _, heads, size = query_THE.shape
        ctx.blocks, ctx.dropout, ctx.seed = list(_blocks(spans, heads)), dropout, seed
        ctx.keeps = any(ctx.needs_input_grad) and all(end - start <= _KEPT_LENGTH * size for start, end in spans)
        kept_probs = []
        with torch.autocast(query_THE.device.type, enabled=False):
            work = _Work(inputs, dropout, seed)
            context_THE = torch.empty_like(query_THE, memory_format=torch.contiguous_format)
            context_HTE, context, memory = context_THE.transpose(0, 1), _Scratch(query_THE), _Scratch(query_THE)
            for block in ctx.blocks:
                if ctx.keeps:
                    memory = _Scratch(query_THE)
                prob_GML = work.probabilities(block, memory)
                if ctx.keeps:
                    kept_probs.append(prob_GML)
                kept_GML = work.kept_GML(prob_GML.shape)
                if kept_GML is not None:
                    prob_GML = torch.mul(prob_GML, kept_GML, out=work.used(*prob_GML.shape))
                value_GLE = _cut(work.value_HTE, block.keys)
                out_GME = context(*prob_GML.shape[:2], size)
                _cut(context_HTE, block.queries).copy_(torch.bmm(prob_GML, value_GLE, out=out_GME))
            if seed is not None:
                context_THE /= work.keep
        ctx.save_for_backward(*inputs, *kept_probs)
        return context_THE

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_THE: Tensor) -> tuple[Tensor | None, ...]:
        saved = ctx.saved_tensors
        inputs, kept_probs = saved[:6], saved[6:]
        with torch.autocast(grad_THE.device.type, enabled=False):
            work = _Gradients(inputs, ctx.dropout, ctx.seed)
            grad_THE = grad_THE.contiguous() if ctx.seed is None else grad_THE / work.keep
            grad_HTE, memory = grad_THE.transpose(0, 1), _Scratch(grad_THE)
            for index, block in enumerate(ctx.blocks):
                work.add(block, kept_probs[index] if ctx.keeps else work.probabilities(block, memory), grad_HTE)
            return None, None, None, *work.sums(inputs)


class _Gradients(_Work):
    """The gradients that blocks have added up to, head first."""

    def __init__(self, inputs: _Inputs, dropout: float, seed: int | None) -> None:
        super().__init__(inputs, dropout, seed)
        # Several blocks add to the same keys and offsets: a half-precision sum would lose what few of them bring.
        dtype = torch.promote_types(self.query_HTE.dtype, torch.float32)
        shape = self.query_HTE.transpose(0, 1).shape
        self.for_query_HTE = self.query_HTE.new_zeros(shape).transpose(0, 1)
        self.for_key_HTE, self.for_value_HTE = (
            self.key_HTE.new_zeros(shape, dtype=dtype).transpose(0, 1) for _ in range(2)
        )
        self.for_falling_HOE, self.for_rising_HOE = (
            None if x_HOE is None else torch.zeros_like(x_HOE, dtype=dtype)
            for x_HOE in (self.falling_HOE, self.rising_HOE)
        )
        self.for_score, self.small = _Scratch(self.query_HTE), _Scratch(self.query_HTE)
        self.by_query, self.by_key = (_Scratch(self.query_HTE, blank=True) for _ in range(2))

    def add(self, block: _Block, prob_GML: Tensor, grad_HTE: Tensor) -> None:
        """Add what one block contributes, `grad_HTE` being the gradient of the context before dropout's scale."""
        query_GME, grad_GME = _cut(self.query_HTE, block.queries), _cut(grad_HTE, block.queries)
        key_GLE, value_GLE = _cut(self.key_HTE, block.keys), _cut(self.value_HTE, block.keys)
        for_GML = torch.bmm(grad_GME, value_GLE.mT, out=self.for_score(*prob_GML.shape))
        used_GML = prob_GML
        kept_GML = self.kept_GML(prob_GML.shape)
        if kept_GML is not None:
            for_GML *= kept_GML
            used_GML = torch.mul(prob_GML, kept_GML, out=self.used(*prob_GML.shape))
        _cut(self.for_value_HTE, block.keys).add_(self._product(used_GML.mT, grad_GME))
        torch._softmax_backward_data(for_GML, prob_GML, -1, prob_GML.dtype, grad_input=for_GML)
        for_query_GME, for_key_GLE = _cut(self.for_query_HTE, block.queries), _cut(self.for_key_HTE, block.keys)
        for_query_GME.copy_(self._product(for_GML, key_GLE))
        for_key_GLE.add_(self._product(for_GML.mT, query_GME))
        if self.falling_HOE is not None and self.for_falling_HOE is not None:
            for tile in block.query_tiles:
                where, query_GNE = self.falling(block, tile), query_GME[:, tile]
                falling_GWE = self.falling_HOE[where]
                product_GNW = self.by_query(*query_GNE.shape[:2], falling_GWE.shape[1])
                diagonals(product_GNW).copy_(for_GML[:, tile])
                for_query_GME[:, tile].add_(self._product(product_GNW, falling_GWE))
                self.for_falling_HOE[where].add_(self._product(product_GNW.mT, query_GNE))
        if self.rising_HOE is not None and self.for_rising_HOE is not None:
            for tile in block.key_tiles:
                where, key_GNE = self.rising(block, tile), key_GLE[:, tile]
                rising_GWE = self.rising_HOE[where]
                product_GNW = self.by_key(*key_GNE.shape[:2], rising_GWE.shape[1])
                diagonals(product_GNW).copy_(for_GML[..., tile].mT)
                for_key_GLE[:, tile].add_(self._product(product_GNW, rising_GWE))
                self.for_rising_HOE[where].add_(self._product(product_GNW.mT, key_GNE))

    def sums(self, inputs: _Inputs) -> Iterator[Tensor | None]:
        """Gradients of a call's inputs, in their order."""
        _, _, _, pos_key_UHE, pos_query_UHE, rows_O = inputs
        for x_HTE in (self.for_query_HTE, self.for_key_HTE, self.for_value_HTE):
            yield x_HTE.transpose(0, 1).to(self.query_HTE.dtype)
        yield _by_row(self.for_falling_HOE, pos_key_UHE, None if rows_O is None else rows_O.flip(0))
        yield _by_row(self.for_rising_HOE, pos_query_UHE, rows_O)
        yield None

    def _product(self, a_GXY: Tensor, b_GYE: Tensor) -> Tensor:
        """Matrix product in memory that the next one overwrites."""
        return torch.bmm(a_GXY, b_GYE, out=self.small(a_GXY.shape[0], a_GXY.shape[1], b_GYE.shape[2]))


def _cut(x_HTE: Tensor, part: tuple[slice, slice]) -> Tensor:
    tokens, heads = part
    return x_HTE[heads, tokens]


def _by_offset(pos_UHE: Tensor | None, row_O: Tensor | None) -> Tensor | None:
    """One row for every offset, head first."""
    if pos_UHE is None or row_O is None:
        return None
    return pos_UHE.transpose(0, 1).index_select(1, row_O)


def _by_row(x_HOE: Tensor | None, pos_UHE: Tensor | None, row_O: Tensor | None) -> Tensor | None:
    """Gradients by offset summed to gradients of the table's rows."""
    if x_HOE is None or pos_UHE is None or row_O is None:
        return None
    summed_UHE = x_HOE.new_zeros(pos_UHE.shape).index_add_(0, row_O, x_HOE.transpose(0, 1))
    return summed_UHE.to(pos_UHE.dtype)
