"""A small tokenizer, a small corpus, and the corpus prepared."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # corpora.py stands beside this file

from corpora import settings

from korscideberta.pretraining.prepare import prepare_corpus
from korscideberta.tokenization import DebertaV2Tokenizer, train_tokenizer

SUBJECTS = ["광촉매는", "미세플라스틱은", "나노입자가", "반도체의 특성을", "신경망으로", "유전자를", "촉매 반응에서"]
VERBS = ["분석하였다.", "오염 물질을 제거한다.", "합성하는 방법을 제안한다.", "결과와 비교하였다.", "온도를 측정했다!"]
TAILS = ["그리고 pH 7.4에서", "2021년 3월부터", "실험실의", "H2O 용액에서", "이 연구에서"]


@pytest.fixture(scope="session")
def lines() -> list[str]:
    """175 different sentences."""
    return [" ".join(words) for words in itertools.product(TAILS, SUBJECTS, VERBS)]


@pytest.fixture(scope="session")
def tokenizer_folder(lines, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer(lines, folder, vocab_size=150, character_coverage=1.0)
    return folder


@pytest.fixture(scope="session")
def tokenizer(tokenizer_folder) -> DebertaV2Tokenizer:
    return DebertaV2Tokenizer.from_pretrained(tokenizer_folder)


@pytest.fixture(scope="session")
def corpus_file(lines, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def prepared(corpus_file, tokenizer, tmp_path_factory):
    """The small corpus, prepared; read only."""
    return prepare_corpus([corpus_file], tmp_path_factory.mktemp("data") / "corpus", tokenizer, settings())
