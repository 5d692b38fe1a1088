"""Packed batches of masked rows."""

# Shapes: B rows, L places of the longest, T tokens of all rows

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from korscideberta.model.heads.losses import IGNORED
from korscideberta.pretraining.flags import DOCUMENT, SENTENCE
from korscideberta.pretraining.masking import Masker, RowRandom
from korscideberta.pretraining.rows import Row, Rows
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

_PARTING = 4
"""The purpose of random numbers beside those of masking, 0 to 3."""


@dataclass(frozen=True)
class MaskedBatch:
    """Rows that follow one another without padding, some of their tokens masked."""

    input_ids: Tensor
    """(T,)"""
    starts: Tensor
    """(B,) where each row begins; stays on the CPU, where the model reads it."""
    labels: Tensor
    """(T,), negative where nothing is to be predicted"""
    predictions: int
    """Tokens to predict."""
    orders: Tensor | None = None
    """(B,) 1 where the two segments of a row have changed places, 0 where not, negative where it has one; None where
    nobody asks"""

    @property
    def ordered(self) -> int:
        """Rows of two segments."""
        return 0 if self.orders is None else int((self.orders >= 0).sum())

    def __len__(self) -> int:
        """T, the number of tokens."""
        return self.input_ids.shape[0]

    def to(self, device: torch.device) -> MaskedBatch:
        """The batch on `device`."""
        return replace(
            self,
            input_ids=_moved(self.input_ids, device),
            labels=_moved(self.labels, device),
            orders=None if self.orders is None else _moved(self.orders, device),
        )


class BatchMaker:
    """Makes batches of a corpus's rows; the same ones for the same numbers.

    Args:
        rows: the rows, with room for two special tokens, for three with `segments`.
        tokenizer: has the ids of these.
        masker: chooses what is to be predicted.
        segments: part rows at the beginning of a sentence, and let the two segments of every second one change places.
    """

    def __init__(self, rows: Rows, tokenizer: DebertaV2Tokenizer, masker: Masker, *, segments: bool = False) -> None:
        self.rows = rows
        self._segments = segments
        self._masker = masker
        self._cls, self._sep, self._pad = tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id

    def make(self, indices: Sequence[int] | NDArray[np.int64], rng: RowRandom) -> MaskedBatch:
        """The batch of those rows, `[CLS] tokens [SEP]` each, or `[CLS] segment [SEP] segment [SEP]`."""
        rows = [self.rows[int(index)] for index in indices]
        orders: list[int] = []
        if self._segments:
            parted = [self._part(row, *numbers) for row, numbers in zip(rows, rng.numbers(_PARTING, 2), strict=True)]
            rows, orders = [row for row, _ in parted], [order for _, order in parted]
        length_B = np.array([len(row.ids) + 2 for row in rows])
        ids_BL, flags_BL = self._padded(rows, int(length_B.max()))
        seen_BL, labels_BL = self._masker(ids_BL, flags_BL, length_B, rng)
        real_BL = np.arange(ids_BL.shape[1]) < length_B[:, None]
        return MaskedBatch(
            input_ids=torch.from_numpy(seen_BL[real_BL]),
            starts=torch.from_numpy(np.cumsum(length_B) - length_B),
            labels=torch.from_numpy(labels_BL[real_BL]),
            predictions=int((labels_BL >= 0).sum()),
            orders=torch.tensor(orders) if self._segments else None,
        )

    def _part(self, row: Row, where: float, turn: float) -> tuple[Row, int]:
        """The row with [SEP] between two segments, and its order: a sentence of the same document begins the second.

        A row without such a sentence stays as it is. `where` and `turn`, in [0, 1), decide which and whether to turn.
        """
        begins = np.flatnonzero((row.flags[1:] & (SENTENCE | DOCUMENT)) == SENTENCE) + 1
        if not len(begins):
            return row, IGNORED
        place = int(begins[int(where * len(begins))])
        segments = [(row.ids[:place], row.flags[:place]), (row.ids[place:], row.flags[place:])]
        turned = turn < 0.5
        (ids, flags), (more_ids, more_flags) = reversed(segments) if turned else segments
        separator = np.array([self._sep], dtype=ids.dtype)
        return (
            Row(np.concatenate([ids, separator, more_ids]), np.concatenate([flags, [np.uint8(0)], more_flags])),
            int(turned),
        )

    def _padded(self, rows: Sequence[Row], length: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        ids_BL = np.full((len(rows), length), self._pad, dtype=np.int64)
        flags_BL = np.zeros((len(rows), length), dtype=np.uint8)
        ids_BL[:, 0] = self._cls
        for place, row in enumerate(rows):
            end = len(row.ids) + 1
            ids_BL[place, 1:end] = row.ids
            flags_BL[place, 1:end] = row.flags
            ids_BL[place, end] = self._sep
        return ids_BL, flags_BL


def _moved(tensor: Tensor, device: torch.device) -> Tensor:
    return (tensor.pin_memory() if device.type == "cuda" else tensor).to(device, non_blocking=True)
