from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest

from korscideberta.tokenization import DebertaV2Tokenizer, train_tokenizer
from korscideberta.tokenization.dictionary import find_dictionary
from korscideberta.tokenization.userdict import compile_user_dictionary
from korscideberta.unicode import has_coda

SUBJECTS = [
    "광촉매",
    "미세플라스틱",
    "백신",
    "나노입자",
    "단백질",
    "반도체",
    "촉매",
    "신경망",
    "유전자",
    "이산화티타늄",
]
VERBS = ["분석하였다", "측정하였다", "제거한다", "합성하는 방법을 제안한다", "의 특성을 비교하였다"]
TAILS = ["pH 7.4에서", "2021년 3월부터", "COVID-19 이후", "H₂O 용액에서", "ㅋㅋㅋ 정말로", "(n = 12)"]


@pytest.fixture(scope="session")
def corpus() -> list[str]:
    return [
        f"{tail} {subject}{'을' if has_coda(subject) else '를'} {verb}."
        for subject, verb, tail in itertools.product(SUBJECTS, VERBS, TAILS)
    ]


@pytest.fixture(scope="session")
def folder(corpus: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small tokenizer trained over MeCab morphs; read only."""
    path = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer(corpus, path, vocab_size=220, character_coverage=1.0)
    return path


@pytest.fixture(scope="session")
def tokenizer(folder: Path) -> DebertaV2Tokenizer:
    return DebertaV2Tokenizer.from_pretrained(folder)


@pytest.fixture(scope="session")
def compounds() -> list[str]:
    """Compound nouns that the dictionary alone cuts."""
    return ["미세플라스틱", "이산화티타늄", "나노입자", "면역원성분석", "합성곱신경망", "유기발광다이오드"]


@pytest.fixture(scope="session")
def compiled(compounds: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user dictionary of `compounds`; read only."""
    folder = tmp_path_factory.mktemp("userdict")
    (folder / "nouns.txt").write_text("\n".join(compounds) + "\n", encoding="utf-8")
    compile_user_dictionary([folder / "nouns.txt"], folder / "user.dic")
    return folder / "user.dic"


@pytest.fixture
def dictionary_copy(tmp_path: Path) -> Path:
    """The installed dictionary, its small files copied and the large ones linked."""
    folder = tmp_path / "dictionary"
    folder.mkdir()
    for file in find_dictionary().iterdir():
        if file.stat().st_size > 1_000_000:
            (folder / file.name).symlink_to(file)
        else:
            shutil.copy(file, folder)
    return folder
