"""Padded batches and packed tokens: where each real token of a batch stands.

Linear layers see only real tokens, one after another; attention puts them back into rows for the length of its work.
Where a compiler traces the model, whose shapes must not depend on what is in the batch, padding stays among the tokens.
"""

# Shapes: B sequences, L places of the longest sequence, T packed tokens, N places of the caller's own padding,
#         Q of the tokens, M the most of them in one sequence

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from korscideberta.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Packing:
    """Places of T tokens in a (B, L) batch.

    A token keeps its column, so a mask with holes or with padding on the left gives the offsets and the absolute
    positions of the padded batch.
    """

    batch: int
    length: int
    place_T: Tensor
    """row * L + column of every token, rising."""
    mask_BL: Tensor | None
    """True where a real token stands; None when that is everywhere."""

    @classmethod
    def of_batch(cls, input_ids: Tensor, attention_mask: Tensor | None) -> Packing:
        """Pack a (B, N) batch, or leave its padding in it where a compiler traces the model. No mask: no padding."""
        if attention_mask is None or torch.compiler.is_compiling():
            place_T = torch.arange(input_ids.numel(), device=input_ids.device)
            mask_BL = None if attention_mask is None else attention_mask != 0
            return cls(batch=input_ids.shape[0], length=input_ids.shape[1], place_T=place_T, mask_BL=mask_BL)
        return cls.from_mask(attention_mask)

    @classmethod
    def from_mask(cls, mask_BN: Tensor) -> Packing:
        """Pack the places where a (B, N) mask is not zero; trailing columns that are empty everywhere are dropped."""
        row_T, column_T = torch.nonzero(mask_BN, as_tuple=True)
        length = int(column_T.max()) + 1 if column_T.numel() else 1
        return cls._at(mask_BN.shape[0], length, row_T, column_T)

    @classmethod
    def from_starts(cls, start_B: Tensor, tokens: int, device: torch.device | None = None) -> Packing:
        """Sequences that follow one another in a packed batch of `tokens` tokens, each from its start to the next.

        The places are on `device`, None being that of the starts. Starts that do not rise from 0 raise DataError.
        """
        if start_B.dim() != 1 or not start_B.numel():
            raise DataError(f"starts of packed sequences must be (sequences,), found shape {tuple(start_B.shape)}")
        length_B = torch.diff(start_B, append=start_B.new_tensor([tokens]))
        if int(start_B[0]) != 0 or int(length_B.min()) < 0:
            raise DataError(f"starts of packed sequences must rise from 0 to at most {tokens}, the number of tokens")
        row_T = torch.repeat_interleave(length_B)
        column_T = torch.arange(tokens, device=start_B.device) - start_B[row_T]
        return cls._at(
            start_B.shape[0], max(int(length_B.max()), 1), row_T.to(device=device), column_T.to(device=device)
        )

    @classmethod
    def _at(cls, batch: int, length: int, row_T: Tensor, column_T: Tensor) -> Packing:
        place_T = row_T * length + column_T
        mask_BL = None
        if place_T.numel() < batch * length:
            mask = torch.zeros(batch * length, dtype=torch.bool, device=place_T.device)
            mask_BL = mask.index_fill(0, place_T, True).view(batch, length)
        return cls(batch=batch, length=length, place_T=place_T, mask_BL=mask_BL)

    @property
    def row_T(self) -> Tensor:
        """Which sequence each token belongs to."""
        return self.place_T // self.length

    @property
    def column_T(self) -> Tensor:
        """Absolute position of each token in its sequence."""
        return self.place_T % self.length

    @property
    def spans(self) -> tuple[tuple[int, int], ...] | None:
        """First token and end of every sequence, as plain numbers; None when a sequence has holes."""
        # No functools.cached_property: before Python 3.12 that holds a lock, which threads then wait for one another at
        # and a process forked meanwhile never gets.
        if "_spans" not in self.__dict__:
            self.__dict__["_spans"] = self._find_spans()
        found: tuple[tuple[int, int], ...] | None = self.__dict__["_spans"]
        return found

    def _find_spans(self) -> tuple[tuple[int, int], ...] | None:
        if ((torch.diff(self.place_T) > 1) & (torch.diff(self.row_T) == 0)).any():
            return None
        ends = torch.bincount(self.row_T, minlength=self.batch).cumsum(0).tolist()
        return tuple(zip([0, *ends[:-1]], ends, strict=True))

    @property
    def is_view(self) -> bool:
        """Whether every place of the batch is among the T, so that packing moves nothing."""
        return self.place_T.shape[0] == self.batch * self.length

    def pad(self, x_T: Tensor, empty: float = 0.0) -> Tensor:
        """(T, …) to (B, L, …), `empty` where no token stands."""
        places = (self.batch, self.length, *x_T.shape[1:])
        if not self.is_view:
            return x_T.new_full(places, empty).flatten(0, 1).index_copy(0, self.place_T, x_T).view(places)
        x_BL = x_T.view(places)
        if self.mask_BL is None:
            return x_BL
        return x_BL.masked_fill(~self.mask_BL.view(self.batch, self.length, *(1 for _ in places[2:])), empty)

    def pack(self, x_BL: Tensor, empty: int | None = None) -> Tensor:
        """(B, L, …) to (T, …), the tokens alone; padding that is left among them is `empty` where that is given."""
        if not self.is_view:
            return x_BL.flatten(0, 1).index_select(0, self.place_T)
        if empty is not None and self.mask_BL is not None:
            x_BL = x_BL.masked_fill(~self.mask_BL, empty)
        return x_BL.flatten(0, 1)

    def first(self, x_T: Tensor) -> Tensor:
        """(T, …) to (B, …), the first token of every sequence; zero for a sequence without tokens."""
        if self.is_view:
            x_BL = self.pad(x_T)
            if self.mask_BL is None:
                return x_BL[:, 0]
            return x_BL[torch.arange(self.batch, device=x_T.device), self.mask_BL.int().argmax(1)]
        count_B = torch.bincount(self.row_T, minlength=self.batch)
        row_F = count_B.nonzero().flatten()  # F sequences have tokens
        first_F = x_T.index_select(0, (count_B.cumsum(0) - count_B)[row_F])
        if row_F.numel() == self.batch:
            return first_F
        return x_T.new_zeros(self.batch, *x_T.shape[1:]).index_copy(0, row_F, first_F)

    def choose(self, chosen_T: Tensor) -> Queries:
        """The tokens where `chosen_T` is true, as the queries of a decoder."""
        token_Q = chosen_T.nonzero().flatten()
        row_Q = self.row_T[token_Q]
        count_B = torch.bincount(row_Q, minlength=self.batch)
        slot_Q = torch.arange(token_Q.numel(), device=token_Q.device) - (count_B.cumsum(0) - count_B)[row_Q]
        packing = Packing._at(self.batch, max(int(count_B.max()), 1), row_Q, slot_Q)
        return Queries(token_Q=token_Q, column_BM=packing.pad(self.column_T[token_Q]), packing=packing)


@dataclass(frozen=True, kw_only=True)
class Queries:
    """Some tokens of a packed batch: the only ones that ask, while every token of their sequence answers."""

    token_Q: Tensor
    """Which of the packed tokens they are, rising."""
    column_BM: Tensor
    """The position of each in its sequence, by sequence; 0 where there are fewer than M."""
    packing: Packing
    """Their places in the (B, M) batch they alone make up."""
