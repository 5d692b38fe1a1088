from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st

from korscideberta.errors import ModelError
from korscideberta.tokenization import DebertaV2Tokenizer, train_tokenizer
from korscideberta.tokenization.model_file import ModelSettings, model_settings


@pytest.mark.parametrize(("model_type", "byte_fallback"), [("bpe", True), ("bpe", False), ("unigram", False)])
def test_settings_are_those_trained_with(
    corpus: list[str], tmp_path: Path, model_type: Any, byte_fallback: bool
) -> None:
    tokenizer = train_tokenizer(corpus, tmp_path, vocab_size=400, model_type=model_type, byte_fallback=byte_fallback)
    found = model_settings(tokenizer.pieces.model)
    assert (found.model_type, found.byte_fallback, found.normalizer) == (model_type, byte_fallback, "nmt_nfkc")
    assert (found.dummy_prefix, found.single_spaces, found.escaped_spaces) == (True, True, True)
    assert len(found.character_rules) > 1000


def test_other_ways_with_spaces(tmp_path: Path) -> None:
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["나노 입자 합성 방법"] * 20),
        model_prefix=str(tmp_path / "spm"),
        vocab_size=30,
        hard_vocab_limit=False,
        minloglevel=2,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        treat_whitespace_as_suffix=True,
    )
    assert model_settings((tmp_path / "spm.model").read_bytes()) == ModelSettings(
        normalizer="identity", dummy_prefix=False, single_spaces=False, space_as_suffix=True
    )


def test_a_model_without_settings_is_a_unigram_model() -> None:
    assert model_settings(b"") == ModelSettings()


@given(cut=st.integers(1, 60))
def test_what_is_no_model_is_refused(tokenizer: DebertaV2Tokenizer, cut: int) -> None:
    model = tokenizer.pieces.model
    with pytest.raises(ModelError, match="damaged"):
        model_settings(model[:-cut] + b"\xff" * 70)
