"""Texts to flat arrays of ids, in order, over as many processes as pay."""

from __future__ import annotations

import functools
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Literal

import numpy as np

from korscideberta.errors import DataError
from korscideberta.tokenization.encoded_rows import EncodedRows, with_special_tokens
from korscideberta.tokenization.processes import cpu_count, map_ordered
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

Workers = int | Literal["auto"]
Row = tuple[str, str | None]
"""A text and the second text of a pair, or None."""

CHUNK = 1024
"""Rows that a process is given at a time."""
_PAYING = 2_000_000
"""Characters below which starting processes costs more than they save: two seconds of one processor."""


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
