"""The model that is part of the package."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from korscideberta.errors import ConfigError
from korscideberta.hub import SHIPPED_MODELS, can_be_located, locate
from korscideberta.model import DebertaV2ForMaskedLM, DebertaV2Model
from korscideberta.tokenization.fingerprint import recorded_fingerprint
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

NAME = "korsci-nano"
FOLDER = SHIPPED_MODELS[NAME]
# Sentences of no corpus.
TEXTS = [
    "이 연구는 하천의 수질을 예측하는 방법을 제안하고 그 성능을 평가하였다.",
    "데이터베이스에서 필요한 값을 가져와 화면에 표시하는 함수를 만들었다.",
    "환경부장관은 대통령령으로 정하는 바에 따라 기본계획을 수립하여야 한다.",
    "배우들의 연기도 좋고 이야기도 재미있어서 시간 가는 줄 모르고 보았다.",
]


@pytest.fixture(scope="module")
def tokenizer():
    return DebertaV2Tokenizer.from_pretrained(NAME)


def test_it_is_found_by_name_and_a_folder_goes_before_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert can_be_located(NAME)
    assert not can_be_located("korsci-nana")
    assert locate(NAME, "model") == locate(NAME, "tokenizer") == FOLDER
    with pytest.raises(ConfigError, match="leave it out"):
        locate(NAME, "model", revision="main")
    (tmp_path / NAME).mkdir()
    assert locate(NAME, "model").samefile(tmp_path / NAME)


def test_it_is_small_and_tells_where_its_texts_come_from():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 40e6
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    for licence in ("CC0", "CC BY 4.0", "CC BY-SA", "Apache-2.0", "MIT", "public domain"):
        assert licence in card


def test_its_tokenizer_is_the_one_it_was_trained_with(tokenizer):
    assert recorded_fingerprint(NAME) == tokenizer.fingerprint()
    assert len(tokenizer) == DebertaV2ForMaskedLM.from_pretrained(NAME).config.vocab_size


def test_it_expects_the_words_of_a_sentence(tokenizer):
    """Of the pieces of sentences it has not seen, each masked by itself, it finds a good part."""
    model = DebertaV2ForMaskedLM.from_pretrained(NAME).eval()
    found = asked = 0
    for text in TEXTS:
        ids = tokenizer(text)["input_ids"]
        places = range(1, len(ids) - 1)
        masked = torch.tensor([ids] * len(places))
        for row, place in enumerate(places):
            masked[row, place] = tokenizer.mask_token_id
        with torch.inference_mode():
            logits = model(masked).logits
        best = [int(logits[row, place].argmax()) for row, place in enumerate(places)]
        found += sum(guess == ids[place] for guess, place in zip(best, places, strict=True))
        asked += len(places)
    assert found > asked / 4, (found, asked)


def test_transformers_reads_the_same_model(tokenizer):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoModel.from_pretrained(FOLDER, dtype=torch.float32).eval()
    ours = DebertaV2Model.from_pretrained(NAME).eval()
    ids = torch.tensor([tokenizer(TEXTS[0])["input_ids"]])
    with torch.inference_mode():
        torch.testing.assert_close(
            ours(ids).last_hidden_state, theirs(input_ids=ids).last_hidden_state, atol=2e-5, rtol=2e-5
        )


def test_it_is_where_training_starts_unless_told_otherwise(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("글,분야\n" + "하천 수질,환경\n시장 금리,경제\n" * 4, encoding="utf-8")
    command = [
        sys.executable, "-m", "korscideberta", "train", "classify", "--train", str(table), "--dev", str(table),
        "--text", "글", "--label", "분야", "--dry-run", "--device", "cpu", "--out", str(tmp_path / "run"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{NAME}: " in done.stderr
    assert "10 epochs" in done.stdout
    assert "3.00e-04" in done.stdout
