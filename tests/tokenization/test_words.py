from __future__ import annotations

import gzip
import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from korscideberta.tokenization import known_words
from korscideberta.tokenization import pieces as pieces_module
from korscideberta.tokenization.model_file import ModelSettings, model_settings
from korscideberta.tokenization.pieces import Pieces
from korscideberta.tokenization.words import WORD_MARK, splits_at_spaces

LINES = ["나노 입자 를 합성 하 였 다 .", "COVID - 19 백신 x ́ y 가 각 ᄀ ㄱ", "[ MASK ] the theory ﷺ ㍿ ½"] * 20

MODELS: dict[str, dict[str, Any]] = {
    "plain": {},
    "bytes": {"byte_fallback": True, "vocab_size": 320},
    "symbols": {"user_defined_symbols": ["[MASK]", "<s>", "각", WORD_MARK + "the"]},
    "as it stands": {"normalization_rule_name": "identity"},
    "case folded": {"normalization_rule_name": "nfkc_cf"},
}
NOT_BY_WORD: dict[str, dict[str, Any]] = {
    "unigram": {"model_type": "unigram"},
    "pieces across spaces": {"split_by_whitespace": False, "vocab_size": 180},
    "a symbol with a space": {"user_defined_symbols": ["나노 입자"]},
    "no space before a text": {"add_dummy_prefix": False},
    "spaces kept": {"remove_extra_whitespaces": False},
    "spaces behind words": {"treat_whitespace_as_suffix": True},
}


def train(**options: Any) -> Pieces:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        **{
            "sentence_iterator": iter(LINES),
            "model_writer": model,
            "model_type": "bpe",
            "vocab_size": 95,
            "hard_vocab_limit": options.get("model_type") != "unigram",
            "minloglevel": 2,
            **options,
        }
    )
    return Pieces(model.getvalue())


def is_by_word(pieces: Pieces) -> bool:
    return splits_at_spaces(model_settings(pieces.model), map(pieces.piece_of, range(len(pieces))))


@pytest.fixture(scope="module", params=MODELS)
def by_word(request: pytest.FixtureRequest) -> tuple[Pieces, sentencepiece.SentencePieceProcessor]:
    pieces = train(**MODELS[request.param])
    assert is_by_word(pieces)
    return pieces, sentencepiece.SentencePieceProcessor(model_proto=pieces.model)


# U+00B4, U+FDFA and U+3000 become something with a space in it, U+200B nothing; U+0301 and U+11A8 join what is before.
ODD = " \u2581\u00b4\ufdfa\u3000\xa0\t\n\r\0\u200b\u200d\ufeff\u0301\u0308\u1100\u1161\u11a8\u037e\U0001f600각가나x.<[]"
TEXTS = st.lists(
    st.one_of(
        st.sampled_from(["나노", "입자", "the", "[MASK]", "<s>", "</s>", "<unk>", "<0x20>", "COVID", *LINES[:3]]),
        st.text(st.one_of(st.sampled_from(ODD), st.characters(exclude_categories=["Cs"])), max_size=6),
    ),
    max_size=8,
).map("".join) | st.text(st.sampled_from(ODD), max_size=12)


@settings(deadline=None, max_examples=150)
@given(st.lists(TEXTS, max_size=3))
def test_ids_are_those_of_sentencepiece(
    by_word: tuple[Pieces, sentencepiece.SentencePieceProcessor], texts: list[str]
) -> None:
    pieces, processor = by_word
    expected = processor.encode(texts, out_type=int)
    assert pieces.encode_flat(texts).lists() == expected
    assert pieces.encode(texts) == expected


@pytest.mark.parametrize("options", NOT_BY_WORD.values(), ids=NOT_BY_WORD)
def test_models_whose_words_depend_on_each_other(options: dict[str, Any]) -> None:
    pieces = train(**options)
    assert not is_by_word(pieces)
    texts = ["나노 입자 를 합성", " 나노  입자 ", WORD_MARK, ""]
    assert pieces.encode(texts) == sentencepiece.SentencePieceProcessor(model_proto=pieces.model).encode(texts)


@pytest.mark.parametrize(
    ("rule", "by_word"),
    [("AC00\t1100", True), ("0020 AC00\t1100", False), ("AC00 0020\t1100", False), ("AC00\t2581", False)],
)
def test_character_rules_that_look_at_spaces(tmp_path: Path, rule: str, by_word: bool) -> None:
    (tmp_path / "rules.tsv").write_text(rule + "\n", encoding="utf-8")
    assert is_by_word(train(normalization_rule_tsv=str(tmp_path / "rules.tsv"))) == by_word


def test_a_model_without_the_mark_of_a_space() -> None:
    """Unknown characters of neighbouring words would be one unknown id in the line and two alone."""
    assert splits_at_spaces(ModelSettings(model_type="bpe"), ["<unk>", WORD_MARK, "가"])
    assert not splits_at_spaces(ModelSettings(model_type="bpe"), ["<unk>", "가"])


@pytest.mark.parametrize("rules", [b"\0", b"\4\0\0\0", b"\3\0\0\0abc"])
def test_damaged_character_rules_are_not_trusted(rules: bytes) -> None:
    assert not splits_at_spaces(ModelSettings(model_type="bpe", character_rules=rules), [WORD_MARK])


def test_known_words_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_words, "LIMIT", 40)
    monkeypatch.setattr(pieces_module, "_CHUNK", 2)
    pieces = train()
    processor = sentencepiece.SentencePieceProcessor(model_proto=pieces.model)
    texts = [f"나노 {number} 입자 {number}" for number in range(100)]
    assert pieces.encode(texts) == processor.encode(texts)
    assert 0 < len(pieces._known) < 40


def test_threads_look_up_words_of_their_own() -> None:
    pieces = train()
    texts = [f"나노 {number} 입자 {number}" for number in range(200)]
    expected = sentencepiece.SentencePieceProcessor(model_proto=pieces.model).encode(texts)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(pieces.encode, [texts[start:] for start in range(40)]))
    assert found == [expected[start:] for start in range(40)]


def test_ids_of_real_lines_are_those_of_sentencepiece() -> None:
    shared = os.environ.get("KORSCI_SHARED")
    if not shared:
        pytest.skip("KORSCI_SHARED is not set")
    lines: list[str] = []
    for name in ("science_books", "nsmc_reviews", "ms_cpp_docs"):
        with gzip.open(Path(shared, f"data/corpus/{name}.txt.gz"), "rt", encoding="utf-8") as file:
            lines += [line for line, _ in zip(file, range(3000), strict=False)]
    pieces = train(sentence_iterator=iter(lines[::3]), vocab_size=4000)
    assert is_by_word(pieces)
    assert pieces.encode(lines) == sentencepiece.SentencePieceProcessor(model_proto=pieces.model).encode(lines)
