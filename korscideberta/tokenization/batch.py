"""The arithmetic between lists of ids and a batch: truncation, padding, arrays."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from korscideberta.errors import ConfigError, DataError

Padding = bool | Literal["longest", "max_length"]
Truncation = bool | Literal["longest_first", "only_first", "only_second"]
ReturnTensors = Literal["pt", "np"] | None

PADDED_KEYS = ("input_ids", "token_type_ids", "attention_mask")


class BatchEncoding(UserDict[str, Any]):
    """What a tokenizer returns: a dictionary whose entries are attributes too (`batch.input_ids`)."""

    def __getattr__(self, name: str) -> Any:
        # `data` is missing while a pickle or a copy is being rebuilt.
        if name != "data" and name in self.data:
            return self.data[name]
        raise AttributeError(f"no entry {name!r} in this batch")

    def to(self, device: Any) -> BatchEncoding:
        """The same batch with its torch tensors on `device`."""
        return BatchEncoding(
            {key: value.to(device) if hasattr(value, "to") else value for key, value in self.data.items()}
        )


def truncation_strategy(truncation: Truncation) -> str | None:
    """The strategy's name, None for no truncation; ConfigError for an unknown one."""
    if truncation is False:
        return None
    strategy = "longest_first" if truncation is True else truncation
    if strategy not in ("longest_first", "only_first", "only_second"):
        raise ConfigError(f"unknown truncation {truncation!r}; known: longest_first, only_first, only_second")
    return strategy


def padding_strategy(padding: Padding) -> str | None:
    """The strategy's name, None for no padding; ConfigError for an unknown one."""
    if padding is False:
        return None
    strategy = "longest" if padding is True else padding
    if strategy not in ("longest", "max_length"):
        raise ConfigError(f"unknown padding {padding!r}; known: longest, max_length")
    return strategy


def kept_lengths(first: int, second: int, room: int, strategy: str) -> tuple[int, int]:
    """How many ids of each text are kept so that both fit into `room`.

    `longest_first` takes ids off the longer text one by one and off the second one when both are equally long.
    Raises DataError where a strategy that spares one text cannot make room.
    """
    excess = first + second - room
    if excess <= 0:
        return first, second
    if strategy == "longest_first":
        from_longer = min(excess, abs(first - second))
        from_both = excess - from_longer
        return (
            first - (from_longer if first > second else 0) - from_both // 2,
            second - (from_longer if second > first else 0) - (from_both + 1) // 2,
        )
    cut = first if strategy == "only_first" else second
    if cut < excess:
        raise DataError(
            f"truncation={strategy!r} cannot make room: the texts have {first} and {second} tokens, {room} fit; "
            "use truncation='longest_first'"
        )
    return (first - excess, second) if strategy == "only_first" else (first, second - excess)


def pad_rows(
    columns: Mapping[str, Sequence[Any]],
    *,
    pad_id: int,
    strategy: str | None,
    max_length: int | None,
    multiple_of: int | None,
    return_tensors: ReturnTensors,
) -> dict[str, Any]:
    """Columns of B rows padded on the right to one length L; with `return_tensors`, arrays (B, L) of int64.

    Columns other than `PADDED_KEYS` are turned into arrays as they are. Raises ConfigError where tensors are asked of
    rows of unequal length, DataError where a row is longer than the length to pad to.
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
        for key in PADDED_KEYS:
            if key in columns:
                fill = pad_id if key == "input_ids" else 0
                padded[key] = _padded(columns[key], fill, length, as_array=return_tensors is not None)
    elif return_tensors is not None and any(len(row) != longest for row in rows):
        raise ConfigError("rows of unequal length make no tensor; add padding=True")
    if return_tensors is not None:
        padded = {key: _tensor(column, return_tensors) for key, column in padded.items()}
    return padded


def _padded(rows: Sequence[Any], fill: int, length: int, *, as_array: bool) -> Any:
    if not as_array:
        return [[*row, *[fill] * (length - len(row))] for row in rows]
    array = np.full((len(rows), length), fill, dtype=np.int64)
    for index, row in enumerate(rows):
        array[index, : len(row)] = row
    return array


def _tensor(column: Any, kind: str) -> Any:
    array = np.asarray(column)
    if array.dtype.kind in "iu" or array.size == 0:
        array = array.astype(np.int64)
    if kind == "np":
        return array
    import torch

    return torch.from_numpy(array)
