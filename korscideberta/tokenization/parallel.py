"""Texts to flat arrays of ids, and of the characters these stand for, in order, over as many processes as pay."""

from __future__ import annotations

import functools
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from korscideberta.errors import DataError
from korscideberta.tokenization.encoded_rows import EncodedRows, with_special_tokens
from korscideberta.tokenization.processes import cpu_count, map_ordered
from korscideberta.tokenization.ragged import Ragged
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

Workers = int | Literal["auto"]
Row = tuple[str, str | None]
"""A text and the second text of a pair, or None."""

CHUNK = 1024
"""Rows that a process is given at a time."""
_PAYING = 2_000_000
"""Characters below which starting processes costs more than they save: two seconds of one processor."""


_SPANS_COST = 10
"""How many times as long a character takes where it is followed through all steps."""


class PlacedTexts(NamedTuple):
    """N texts of T pieces together, special tokens left out."""

    ids: NDArray[np.int32]
    """(T,)"""
    lengths: NDArray[np.int32]
    """(N,), which add up to T"""
    spans: NDArray[np.int32]
    """(T, 2) the characters of its text that each piece stands for, half-open"""


def encode_rows(
    tokenizer: DebertaV2Tokenizer, rows: Iterable[Row], *, max_length: int | None, workers: int = 1
) -> Iterator[EncodedRows]:
    """Encode a stream of texts and pairs as `tokenizer(…, truncation="longest_first")` does, `CHUNK` rows a part.

    With `max_length` None nothing is cut off.

    Parts come in the order of the rows. No more than a few chunks a process are in memory at a time, whatever the
    length of the stream; see `map_ordered` for what becomes of the processes when something goes wrong. They are forked
    where that is the system's way: the child uses neither torch nor any thread of this process, and opens its own
    analyser.

    Raises DataError, with the number of the row, for what is not text; KorsciError where a process dies.
    """
    start: Callable[[], Callable[[list[Row]], EncodedRows]] = functools.partial(_encoder, tokenizer, max_length)
    return map_ordered(start, _chunks(rows), workers)


def encode_placed(tokenizer: DebertaV2Tokenizer, texts: Sequence[str], *, workers: Workers = "auto") -> PlacedTexts:
    """Encode texts as `tokenizer(…, return_offsets_mapping=True)` does, over as many processes as `encode_rows`."""
    start: Callable[[], Callable[[Sequence[str]], PlacedTexts]] = functools.partial(_placing_encoder, tokenizer)
    processes = worthwhile_workers(workers, _SPANS_COST * sum(map(len, texts)))
    size = max(1, min(CHUNK, len(texts) // (4 * processes)))
    chunks = (texts[first : first + size] for first in range(0, len(texts), size))
    empty = PlacedTexts(*(np.zeros(shape, dtype=np.int32) for shape in (0, 0, (0, 2))))
    parts = [empty, *map_ordered(start, chunks, processes)]
    return PlacedTexts(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def worthwhile_workers(workers: Workers, characters: int) -> int:
    """How many processes to use: as told, or with `auto` one for each processor where that many characters repay it."""
    if workers != "auto":
        return workers
    # A daemonic worker of a pool must not have children.
    return 1 if characters < _PAYING or multiprocessing.current_process().daemon else cpu_count()


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    stream, start = iter(rows), 0
    while chunk := list(islice(stream, CHUNK)):
        for number, (text, pair) in enumerate(chunk, start):
            if not isinstance(text, str) or not (pair is None or isinstance(pair, str)):
                wrong = pair if isinstance(text, str) else text
                raise DataError(f"row {number}: {wrong!r} ({type(wrong).__name__}) is not a string")
        yield chunk
        start += len(chunk)


def _encoder(tokenizer: DebertaV2Tokenizer, max_length: int | None) -> Callable[[list[Row]], EncodedRows]:
    def encode(rows: list[Row]) -> EncodedRows:
        texts, pairs = zip(*rows, strict=True)
        return with_special_tokens(
            tokenizer.encode_flat(texts),
            tokenizer.encode_flat([pair for pair in pairs if pair is not None]),
            np.fromiter((pair is not None for pair in pairs), dtype=bool, count=len(pairs)),
            cls_id=tokenizer.cls_token_id,
            sep_id=tokenizer.sep_token_id,
            max_length=max_length,
        )

    return encode


def _placing_encoder(tokenizer: DebertaV2Tokenizer) -> Callable[[Sequence[str]], PlacedTexts]:
    def encode(texts: Sequence[str]) -> PlacedTexts:
        rows = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
        ids = Ragged.of(rows["input_ids"])
        spans = np.array([span for spans in rows["offset_mapping"] for span in spans], dtype=np.int32)
        return PlacedTexts(ids.ids, ids.lengths.astype(np.int32), spans.reshape(-1, 2))

    return encode
