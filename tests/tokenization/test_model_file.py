from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
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
    assert model_settings(tokenizer.pieces.model) == ModelSettings(model_type, byte_fallback, "nmt_nfkc")


def test_a_model_without_settings_is_a_unigram_model() -> None:
    assert model_settings(b"") == ModelSettings("unigram", False, "")


@given(cut=st.integers(1, 60))
def test_what_is_no_model_is_refused(tokenizer: DebertaV2Tokenizer, cut: int) -> None:
    model = tokenizer.pieces.model
    with pytest.raises(ModelError, match="damaged"):
        model_settings(model[:-cut] + b"\xff" * 70)
