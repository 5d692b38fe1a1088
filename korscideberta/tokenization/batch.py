"""What a tokenizer returns, and the padding of its rows to arrays."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np

from korscideberta.errors import ConfigError, DataError
from korscideberta.tokenization.rows import Row

Padding = bool | Literal["longest", "max_length"]
PaddingSide = Literal["right", "left"]
ReturnTensors = Literal["pt", "np"] | None

MODEL_INPUTS = ("input_ids", "token_type_ids", "attention_mask")

_FILLS: dict[str, Any] = {
    "token_type_ids": 0,
    "attention_mask": 0,
    "special_tokens_mask": 1,
    "offset_mapping": (0, 0),
}
"""What pads an entry that has an item a token; `input_ids` get the pad token."""


@dataclass(frozen=True)
class Layout:
    """How the rows of a batch came about."""

    rows: Sequence[Row]
    words: Sequence[list[int | None]] | None
    """For each row the word of each token, None where texts were not given as words."""
    padded_length: int | None
    side: PaddingSide

    def padded(self, values: list[int | None]) -> list[int | None]:
        """`values`, one a token of a row, with None for its pads."""
        pads: list[int | None] = [None] * ((self.padded_length or len(values)) - len(values))
        return values + pads if self.side == "right" else pads + values


class BatchEncoding(UserDict[str, Any]):
    """What a tokenizer returns: a dictionary whose entries are attributes too (`batch.input_ids`)."""

    def __init__(self, data: Mapping[str, Any] | None = None, layout: Layout | None = None) -> None:
        super().__init__(data or {})
        self._layout = layout

    def __getattr__(self, name: str) -> Any:
        # `data` is missing while a pickle or a copy is being rebuilt.
        if name != "data" and name in self.data:
            return self.data[name]
        raise AttributeError(f"no entry {name!r} in this batch")

    def sequence_ids(self, batch_index: int = 0) -> list[int | None]:
        """For each token of a row 0 for the first text, 1 for the second, None for special tokens and pads."""
        layout = self._known_layout()
        return layout.padded(layout.rows[batch_index].sequence_ids())

    def word_ids(self, batch_index: int = 0) -> list[int | None]:
        """For each token of a row the index of its word, None for special tokens and pads.

        Raises ConfigError where the texts were not given as words (`is_split_into_words`).
        """
        layout = self._known_layout()
        if layout.words is None:
            raise ConfigError("word_ids are known for texts given as words only; add is_split_into_words=True")
        return layout.padded(layout.words[batch_index])

    def to(self, device: Any) -> BatchEncoding:
        """The same batch with its torch tensors on `device`."""
        return BatchEncoding(
            {key: value.to(device) if hasattr(value, "to") else value for key, value in self.data.items()}, self._layout
        )

    def _known_layout(self) -> Layout:
        if self._layout is None:
            raise ConfigError("this batch was made from ids, not from texts: its sequences and words are not known")
        return self._layout


def padding_strategy(padding: Padding) -> str | None:
    """The strategy's name, None for no padding; ConfigError for an unknown one."""
    if padding is False:
        return None
    strategy = "longest" if padding is True else padding
    if strategy not in ("longest", "max_length"):
        raise ConfigError(f"unknown padding {padding!r}; known: longest, max_length")
    return strategy


def checked_side(side: str) -> PaddingSide:
    """The side as named; ConfigError for anything but right and left."""
    if side in ("right", "left"):
        return cast(PaddingSide, side)
    raise ConfigError(f"unknown padding_side {side!r}; known: right, left")


def pad_rows(
    columns: Mapping[str, Sequence[Any]],
    *,
    pad_id: int,
    strategy: str | None,
    side: PaddingSide,
    max_length: int | None,
    multiple_of: int | None,
    return_tensors: ReturnTensors,
) -> dict[str, Any]:
    """Columns of B rows padded to one length L; with `return_tensors`, arrays (B, L) of int64.

    Padded are `input_ids`, `token_type_ids`, `attention_mask`, `special_tokens_mask` (with 1) and `offset_mapping`
    (with (0, 0); an array of it is (B, L, 2)); other columns are turned into arrays as they are. Raises ConfigError
    where tensors are asked of rows of unequal length, DataError where a row is longer than the length to pad to.
    """
    if multiple_of is not None and multiple_of < 1:
        raise ConfigError(f"pad_to_multiple_of={multiple_of} is not a positive number")
    if return_tensors not in (None, "pt", "np"):
        raise ConfigError(f"unknown return_tensors {return_tensors!r}; known: pt, np")
    rows = columns["input_ids"]
    longest = max(map(len, rows), default=0)
    length = longest
    if strategy == "max_length" and max_length is not None:
        length = max_length
        if longest > length:
            raise DataError(f"a row of {longest} tokens does not fit max_length={length}; add truncation=True")
    if strategy is not None and multiple_of:
        length = -(-length // multiple_of) * multiple_of
    padded: dict[str, Any] = dict(columns)
    if strategy is not None:
        for key, fill in {"input_ids": pad_id, **_FILLS}.items():
            if key in columns:
                padded[key] = _padded(columns[key], fill, length, side, as_array=return_tensors is not None)
    elif return_tensors is not None and any(len(row) != longest for row in rows):
        raise ConfigError("rows of unequal length make no tensor; add padding=True")
    if return_tensors is not None:
        padded = {key: _tensor(column, return_tensors) for key, column in padded.items()}
    return padded


def _padded(rows: Sequence[Any], fill: Any, length: int, side: PaddingSide, *, as_array: bool) -> Any:
    if not as_array:
        pads = [[fill] * (length - len(row)) for row in rows]
        if side == "right":
            return [[*row, *pad] for row, pad in zip(rows, pads, strict=True)]
        return [[*pad, *row] for row, pad in zip(rows, pads, strict=True)]
    array = np.empty((len(rows), length, *np.shape(fill)), dtype=np.int64)
    array[...] = fill
    for index, row in enumerate(rows):
        if len(row):
            start = 0 if side == "right" else length - len(row)
            array[index, start : start + len(row)] = row
    return array


def _tensor(column: Any, kind: str) -> Any:
    array = np.asarray(column)
    if array.dtype.kind in "iu" or array.size == 0:
        array = array.astype(np.int64)
    if kind == "np":
        return array
    import torch

    return torch.from_numpy(array)
