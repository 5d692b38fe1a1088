from __future__ import annotations

import logging
from pathlib import Path

import pytest

from korscideberta.data.encoding import EncodedExample, encode_examples, token_counts
from korscideberta.data.examples import Example
from korscideberta.tokenization import DebertaV2Tokenizer, train_tokenizer

EXAMPLES = [
    Example(id=str(number), text=f"나노 입자 {number} 합성", text_pair=pair, labels=("가", "나")[number % 2 :])
    for number, pair in enumerate([None, "촉매를 제조하였다", "", None, "백신 " * 40] * 3)
]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> DebertaV2Tokenizer:
    texts = [example.text for example in EXAMPLES] + ["촉매를 제조하였다", "백신"]
    return train_tokenizer(texts, tmp_path_factory.mktemp("tokenizer"), vocab_size=80, character_coverage=1.0)


def expected(tokenizer: DebertaV2Tokenizer) -> list[EncodedExample]:
    rows = [
        tokenizer(example.text, example.text_pair, truncation="longest_first", max_length=24) for example in EXAMPLES
    ]
    golds = [((0, 1), (1,))[number % 2] for number in range(len(EXAMPLES))]
    return [
        EncodedExample(tuple(row.input_ids), tuple(row.token_type_ids), gold)
        for row, gold in zip(rows, golds, strict=True)
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_examples_are_what_the_tokenizer_gives(tokenizer: DebertaV2Tokenizer, workers: int) -> None:
    encoded = encode_examples(EXAMPLES, tokenizer, ("가", "나"), 24, workers=workers)
    assert list(encoded) == expected(tokenizer)
    assert encoded[-2] == expected(tokenizer)[-2]
    assert encoded[3:9:2] == expected(tokenizer)[3:9:2]
    assert token_counts(encoded) == token_counts(list(encoded))
    with pytest.raises(IndexError):
        encoded[len(encoded)]


def test_a_second_time_is_read_from_the_cache(
    tokenizer: DebertaV2Tokenizer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    first = list(encode_examples(EXAMPLES, tokenizer, ("가", "나"), 24, cache=tmp_path))
    assert "15 examples encoded and kept" in caplog.text
    with monkeypatch.context() as patch:
        patch.setattr(DebertaV2Tokenizer, "__call__", None)
        second = encode_examples(EXAMPLES, tokenizer, ("가", "나"), 24, cache=tmp_path)
        assert "15 encoded examples read from" in caplog.text
        assert list(second) == first
        # Labels are no part of the entry.
        assert [example.gold for example in encode_examples(EXAMPLES, tokenizer, None, 24, cache=tmp_path)] == [()] * 15
    assert first == expected(tokenizer)
    assert len(list(tmp_path.iterdir())) == 1
    encode_examples(EXAMPLES, tokenizer, ("가", "나"), 23, cache=tmp_path)
    encode_examples(EXAMPLES[1:], tokenizer, ("가", "나"), 24, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_damaged_entry_is_made_again(
    tokenizer: DebertaV2Tokenizer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    encode_examples(EXAMPLES, tokenizer, None, 24, cache=tmp_path)
    (entry,) = tmp_path.iterdir()
    whole = entry.read_bytes()
    entry.write_bytes(whole[:-1] + b"\x7f")
    assert [example.input_ids for example in encode_examples(EXAMPLES, tokenizer, None, 24, cache=tmp_path)] == [
        example.input_ids for example in expected(tokenizer)
    ]
    assert "damaged; the texts are encoded again" in caplog.text
    assert entry.read_bytes() == whole
