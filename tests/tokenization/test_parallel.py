from __future__ import annotations

import multiprocessing
import threading
from typing import Any

import numpy as np
import pytest

from korscideberta.errors import ConfigError, DataError
from korscideberta.tokenization import DebertaV2Tokenizer, parallel
from korscideberta.tokenization.encoded_rows import EncodedRows
from korscideberta.tokenization.parallel import encode_rows, worthwhile_workers


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "CHUNK", 7)


def as_lists(encoded: EncodedRows) -> list[tuple[list[int], int]]:
    ends = np.cumsum(encoded.lengths)
    return [
        (encoded.ids[end - length : end].tolist(), int(first))
        for end, length, first in zip(ends, encoded.lengths, encoded.firsts, strict=True)
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_rows_are_those_of_the_tokenizer_in_order(
    tokenizer: DebertaV2Tokenizer, corpus: list[str], workers: int
) -> None:
    rows = [(text, None if number % 3 else corpus[-number]) for number, text in enumerate(corpus[:100])]
    parts = list(encode_rows(tokenizer, rows, max_length=20, workers=workers))
    assert [len(part) for part in parts] == [7] * 14 + [2]
    expected = [tokenizer(text, pair, truncation=True, max_length=20) for text, pair in rows]
    assert as_lists(EncodedRows.join(parts)) == [(row.input_ids, row.token_type_ids.count(0)) for row in expected]
    assert not multiprocessing.active_children()


def test_no_rows(tokenizer: DebertaV2Tokenizer) -> None:
    assert len(EncodedRows.join(list(encode_rows(tokenizer, [], max_length=20)))) == 0


def test_works_beside_busy_threads(tokenizer: DebertaV2Tokenizer, corpus: list[str]) -> None:
    """Processes are started while another thread is inside the analyser."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            tokenizer(corpus[:20])

    thread = threading.Thread(target=work)
    thread.start()
    try:
        rows = [(text, None) for text in corpus]
        encoded = EncodedRows.join(list(encode_rows(tokenizer, rows, max_length=64, workers=2)))
    finally:
        stop.set()
        thread.join()
    assert [ids for ids, _ in as_lists(encoded)] == tokenizer(corpus, truncation=True, max_length=64)["input_ids"]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("row", [(None, None), ("a", 3)])
def test_what_is_not_text_is_named(tokenizer: DebertaV2Tokenizer, workers: int, row: Any) -> None:
    rows = [("나노", None)] * 9 + [row]
    with pytest.raises(DataError, match=r"row 9: (None|3) \((NoneType|int)\) is not a string"):
        list(encode_rows(tokenizer, rows, max_length=20, workers=workers))


@pytest.mark.parametrize("workers", [1, 2])
def test_an_impossible_length(tokenizer: DebertaV2Tokenizer, workers: int) -> None:
    with pytest.raises(ConfigError, match="max_length=1 leaves no room"):
        list(encode_rows(tokenizer, [("나노", None)], max_length=1, workers=workers))
    assert not multiprocessing.active_children()


def test_the_stream_is_read_as_results_are_taken(tokenizer: DebertaV2Tokenizer) -> None:
    taken = 0

    def rows() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield "나노", None

    parts = encode_rows(tokenizer, rows(), max_length=20, workers=2)
    for _ in range(3):
        next(parts)
    parts.close()  # type: ignore[attr-defined]
    assert taken <= 7 * (3 + 2 * 2)
    assert not multiprocessing.active_children()


def test_processes_are_used_where_they_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "cpu_count", lambda: 5)
    assert worthwhile_workers(3, 10) == 3
    assert worthwhile_workers("auto", 10) == 1
    assert worthwhile_workers("auto", 10_000_000) == 5
    monkeypatch.setattr(multiprocessing.current_process(), "_config", {"daemon": True})
    assert worthwhile_workers("auto", 10_000_000) == 1
