"""Which tokens of a row are to be predicted, and what is put in their place.

The n-gram masking of the original implementation (DeBERTa/apps/tasks/mlm_task.py): units are words (see `UNITS`); a row
is gone through in windows of n · ⌊1 / share⌋ units, n drawn with a probability of 1/n, and in each window n units in a
row are chosen; units after the row's quota of tokens is reached stay as they are.
"""

# Shapes: B rows, L places of a row, U units of the row that has most, W windows

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from korscideberta.errors import ConfigError
from korscideberta.model.heads.losses import IGNORED
from korscideberta.nearest import nearest
from korscideberta.pretraining.flags import MORPH, WORD
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

UNITS = ("auto", "piece", "morph", "word")
"""What is masked as a whole. A morph is what the original calls a word where an analyser cuts the text before
SentencePiece does; a word is what stands between spaces. As in the original, auto is the word for n-grams and the piece
without."""

_FLAG = {"piece": 0, "morph": MORPH, "word": WORD}

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Masking:
    """How much is masked, and how."""

    share: float = 0.15
    """Tokens of a row to predict."""
    max_ngram: int = 3
    """Most units that are masked in a row."""
    unit: str = "auto"
    masked: float = 0.8
    """Of the tokens to predict, the share that [MASK] takes the place of."""
    kept: float = 0.1
    """The share that stays; what is left gets a random piece."""

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ConfigError(f"--mask-share {self.share}: give a share above 0 and below 1")
        if self.max_ngram < 1:
            raise ConfigError(f"--max-ngram {self.max_ngram}: must be at least 1")
        if self.unit not in UNITS:
            raise ConfigError(f"--mask-unit {self.unit}: {nearest(self.unit, UNITS)}")

    @property
    def flag(self) -> int:
        """The flag of a unit's first token; 0 where every token is a unit."""
        if self.unit == "auto":
            return _FLAG["word" if self.max_ngram > 1 else "piece"]
        return _FLAG[self.unit]


class Masker:
    """Masks rows of one tokenizer's ids."""

    def __init__(self, masking: Masking, tokenizer: DebertaV2Tokenizer) -> None:
        self.masking = masking
        self._mask_id = tokenizer.mask_token_id
        special = np.zeros(len(tokenizer), dtype=bool)
        special[tokenizer.all_special_ids] = True
        self._special = special
        self._ordinary = np.flatnonzero(~special)

    def __call__(
        self, ids_BL: NDArray[np.int64], flags_BL: NDArray[np.uint8], length_B: NDArray[np.int64], rng: RowRandom
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The ids as the model is to see them and the labels, `IGNORED` where nothing is to be predicted, (B, L) both.

        Args:
            ids_BL: rows of ids, special tokens included.
            flags_BL: the flags of the tokens, 0 for special ones.
            length_B: tokens of each row, special ones included; what is beyond is padding.
            rng: where the random numbers come from.
        """
        length = ids_BL.shape[1]
        windows = -(-length // int(1 / self.masking.share))
        size_BW, place_BW, what_BL, which_BL = (
            rng.numbers(purpose, count) for purpose, count in enumerate((windows, windows, length, length))
        )
        real_BL = np.arange(length) < length_B[:, None]
        free_BL = real_BL & ~self._special[ids_BL]
        begins_BL = (flags_BL & self.masking.flag) != 0 if self.masking.flag else None
        chosen_BL = choose(free_BL, begins_BL, length_B, self.masking, size_BW, place_BW)
        masked_BL = chosen_BL & (what_BL < self.masking.masked)
        replaced_BL = chosen_BL & (what_BL >= self.masking.masked + self.masking.kept)
        seen_BL = ids_BL.copy()
        seen_BL[masked_BL] = self._mask_id
        seen_BL[replaced_BL] = self._ordinary[(which_BL[replaced_BL] * len(self._ordinary)).astype(np.int64)]
        return seen_BL, np.where(chosen_BL, ids_BL, IGNORED)


def choose(
    free_BL: NDArray[np.bool_],
    begins_BL: NDArray[np.bool_] | None,
    length_B: NDArray[np.int64],
    masking: Masking,
    size_BW: Floats,
    place_BW: Floats,
) -> NDArray[np.bool_]:
    """Which tokens are to be predicted, (B, L).

    Args:
        free_BL: tokens that may be.
        begins_BL: where a unit begins; None where every token is one.
        length_B: tokens of each row, special ones included.
        masking: the share and the n-grams.
        size_BW: for each window of a row a number in [0, 1) that decides on n.
        place_BW: and one that decides where in the window the n units are.
    """
    rows = len(free_BL)
    starts_BL = free_BL.copy()
    if begins_BL is not None:
        starts_BL &= begins_BL
        starts_BL[np.arange(rows), free_BL.argmax(axis=1)] = free_BL.any(axis=1)
    unit_BL = np.cumsum(starts_BL, axis=1) - 1
    units_B = unit_BL[:, -1] + 1
    most = max(int(units_B.max()), 1)
    chosen_BU = _choose_units(units_B, most, masking, size_BW, place_BW)
    place_T = (np.arange(rows)[:, None] * most + unit_BL)[free_BL]
    tokens_BU = np.bincount(place_T, minlength=rows * most).reshape(rows, most)
    taken_BU = tokens_BU * chosen_BU
    quota_B = np.maximum(1, np.rint(length_B * masking.share))
    chosen_BU &= np.cumsum(taken_BU, axis=1) - taken_BU < quota_B[:, None]
    result_BL = np.zeros_like(free_BL)
    result_BL[free_BL] = chosen_BU.ravel()[place_T]
    return result_BL


def _choose_units(
    units_B: NDArray[np.int64], most: int, masking: Masking, size_BW: Floats, place_BW: Floats
) -> NDArray[np.bool_]:
    window = int(1 / masking.share)
    weights = 1 / np.arange(1, masking.max_ngram + 1)
    bounds = np.cumsum(weights / weights.sum())
    change_BU = np.zeros((len(units_B), most + 1), dtype=np.int64)
    offset_B = np.zeros_like(units_B)
    for number in range(size_BW.shape[1]):
        row_A = np.flatnonzero(offset_B < units_B)
        if not len(row_A):
            break
        n_A = 1 + np.searchsorted(bounds[:-1], size_BW[row_A, number], side="right")
        left_A = units_B[row_A] - offset_B[row_A]
        context_A = np.minimum(n_A * window, left_A)
        start_A = offset_B[row_A] + (place_BW[row_A, number] * context_A).astype(np.int64)
        end_A = np.minimum(start_A + n_A, units_B[row_A])
        change_BU[row_A, start_A] += 1
        change_BU[row_A, end_A] -= 1
        offset_B[row_A] = np.maximum(offset_B[row_A] + context_A, end_A)
    chosen_BU: NDArray[np.bool_] = np.cumsum(change_BU, axis=1)[:, :-1] > 0
    return chosen_BU


@dataclass(frozen=True)
class RowRandom:
    """Random numbers for the rows of an update that depend on the seed, the update and the row's place in it alone."""

    seed: int
    step: int
    places: Sequence[int]
    """The places of the rows in the batch of the update."""

    def numbers(self, purpose: int, count: int) -> Floats:
        """(B, count) numbers in [0, 1); every purpose has numbers of its own, the first ones whatever the count."""
        key = np.array([self.seed, self.step], dtype=np.uint64)
        numbers_BX = np.empty((len(self.places), count))
        for row, place in enumerate(self.places):
            philox = np.random.Philox(key=key, counter=np.array([0, 0, purpose, place], dtype=np.uint64))
            numbers_BX[row] = np.random.Generator(philox).random(count)
        return numbers_BX
