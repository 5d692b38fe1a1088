from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korscideberta.errors import ConfigError, DataError, KorsciError
from korscideberta.tokenization import DebertaV2Tokenizer, train_tokenizer
from korscideberta.tokenization.lines import split_line


@pytest.mark.parametrize("model_type", ["bpe", "unigram"])
def test_same_texts_give_the_same_file(corpus: list[str], tmp_path: Path, model_type: Any) -> None:
    for name in ("one", "two"):
        train_tokenizer(corpus, tmp_path / name, vocab_size=130, model_type=model_type)
    assert (tmp_path / "one/spm.model").read_bytes() == (tmp_path / "two/spm.model").read_bytes()


def test_layout(tokenizer: DebertaV2Tokenizer) -> None:
    names = [tokenizer.pieces.piece_of(index) for index in range(5)]
    assert names == ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
    assert tokenizer.vocab_size == 220


@pytest.mark.parametrize("model_type", ["bpe", "unigram"])
def test_small_corpus_gets_a_smaller_vocabulary(
    corpus: list[str],
    tmp_path: Path,
    model_type: Any,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with caplog.at_level(logging.WARNING):
        tokenizer = train_tokenizer(corpus, tmp_path, vocab_size=50_000, model_type=model_type)
    assert 60 < tokenizer.vocab_size < 50_000
    assert f"gives {tokenizer.vocab_size} pieces at most" in caplog.text
    assert capfd.readouterr() == ("", "")


def test_byte_fallback_leaves_nothing_unknown(corpus: list[str], tmp_path: Path) -> None:
    tokenizer = train_tokenizer(corpus, tmp_path, vocab_size=400, byte_fallback=True)
    ids = tokenizer.encode("鋁 𓀀")
    assert tokenizer.unk_token_id not in ids
    assert tokenizer.decode(ids, skip_special_tokens=True) == "鋁 𓀀"


@pytest.mark.parametrize("model_type", ["bpe", "unigram"])
def test_reserved_tokens_come_on_top_and_from_no_text(corpus: list[str], tmp_path: Path, model_type: Any) -> None:
    plain = train_tokenizer(corpus, tmp_path / "plain", vocab_size=90, model_type=model_type)
    tokenizer = train_tokenizer(
        corpus, tmp_path, vocab_size=90, model_type=model_type, reserved=7, pad_to_multiple_of=16
    )
    assert len(tokenizer) == tokenizer.vocab_size == 112
    unused = [f"[unused{index}]" for index in range(22)]
    assert tokenizer.convert_tokens_to_ids(unused) == list(range(5, 27))
    learnt = [tokenizer.pieces.piece_of(index) for index in range(27, 112)]
    assert learnt == [plain.pieces.piece_of(index) for index in range(5, 90)]
    assert not set(tokenizer.encode("[unused3] [MASK]", add_special_tokens=False)) & set(range(27)) - {3}


def test_too_small_a_corpus_keeps_its_reserved_tokens(corpus: list[str], tmp_path: Path) -> None:
    plain = train_tokenizer(corpus, tmp_path / "plain", vocab_size=50_000)
    tokenizer = train_tokenizer(corpus, tmp_path, vocab_size=50_000, reserved=100, pad_to_multiple_of=64)
    assert len(tokenizer) == -(-(len(plain) + 100) // 64) * 64
    assert tokenizer.convert_ids_to_tokens(104) == "[unused99]"


def test_texts_are_streamed_and_sampled(corpus: list[str], tmp_path: Path) -> None:
    def stream() -> Iterator[str]:
        yield from corpus

    models = {}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train_tokenizer(stream(), tmp_path / name, vocab_size=110, max_lines=60, seed=seed)
        models[name] = (tmp_path / name / "spm.model").read_bytes()
    assert models["a"] == models["b"] != models["c"]


def test_long_lines_are_learnt_from(corpus: list[str], tmp_path: Path) -> None:
    tokenizer = train_tokenizer([" ".join(corpus)], tmp_path, vocab_size=150)
    assert tokenizer.unk_token_id not in tokenizer.encode("미세플라스틱을 측정하였다.")


@given(line=st.text(alphabet="가나 "), limit=st.integers(1, 8))
def test_split_line(line: str, limit: int) -> None:
    parts = list(split_line(line, limit))
    assert all(0 < len(part) <= limit and part == part.strip() for part in parts)
    assert "".join(parts).replace(" ", "") == line.replace(" ", "")


@pytest.mark.parametrize(
    ("texts", "options", "error", "message"),
    [
        ([], {}, DataError, "every line is empty"),
        (["", " \n", "\0"], {}, DataError, "every line is empty"),
        (["글", None], {}, DataError, "text 1 is None"),
        (None, {"vocab_size": 20}, ConfigError, "vocab_size=20 is below the"),
        (None, {"vocab_size": 5}, ConfigError, "vocab_size=5"),
        (None, {"vocab_size": 20, "reserved": 30}, ConfigError, r"vocab_size=20 is below the \d\d pieces"),
        (None, {"reserved": -1}, ConfigError, "reserved=-1"),
        (None, {"pad_to_multiple_of": 0}, ConfigError, "pad_to_multiple_of=0"),
        (None, {"max_lines": 0}, ConfigError, "max_lines=0"),
        (None, {"model_type": "word"}, ConfigError, "unknown model_type"),
        (None, {"character_coverage": 1.5}, ConfigError, "character_coverage"),
        (None, {"engine": "okt"}, ConfigError, "unknown analyser engine"),
    ],
)
def test_refusals(
    corpus: list[str],
    tmp_path: Path,
    texts: list[Any] | None,
    options: dict[str, Any],
    error: type[KorsciError],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        train_tokenizer(corpus if texts is None else texts, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
