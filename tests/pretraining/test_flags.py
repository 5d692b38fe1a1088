from __future__ import annotations

import pytest

from korscideberta.pretraining.flags import MORPH, SENTENCE, WORD, LineEncoder
from korscideberta.tokenization import DebertaV2Tokenizer


def units(tokenizer, line, flag):
    """The pieces of a line, joined up to where the next unit begins."""
    encoded = LineEncoder(tokenizer).encode([line])
    found: list[str] = []
    for index, flags in zip(encoded.ids.tolist(), encoded.flags.tolist(), strict=True):
        piece = tokenizer.pieces.piece_of(index)
        if flags & flag:
            found.append("")
        found[-1] += piece
    return [unit.replace("▁", " ").strip() for unit in found]


def test_ids_are_those_of_the_tokenizer(tokenizer, lines):
    encoded = LineEncoder(tokenizer).encode([*lines, "", "ㅋㅋ 뷁 [MASK]"])
    rows = tokenizer([*lines, "", "ㅋㅋ 뷁 [MASK]"], add_special_tokens=False)["input_ids"]
    assert encoded.ids.tolist() == [index for row in rows for index in row]
    assert encoded.lengths.tolist() == list(map(len, rows))


def test_morphs_words_and_sentences(tokenizer):
    line = "이 연구에서 유전자를 분석하였다. 실험실의 온도를 측정했다!"
    assert units(tokenizer, line, MORPH) == tokenizer.prepare([line])[0].split()
    assert [word.replace(" ", "") for word in units(tokenizer, line, WORD)] == line.split()
    sentences = [text.replace(" ", "") for text in units(tokenizer, line, SENTENCE)]
    assert sentences == ["이연구에서유전자를분석하였다.", "실험실의온도를측정했다!"]


def test_without_an_analyser_words_are_morphs(tokenizer_folder):
    plain = DebertaV2Tokenizer.from_pretrained(tokenizer_folder, engine="none", allow_mismatch=True)
    line = "이 연구에서 유전자를 분석하였다"
    assert units(plain, line, MORPH) == units(plain, line, WORD) == line.split()


@pytest.mark.parametrize("line", ["[MASK] 유전자를", "유\u00a0전자\u3000를 ▁분석 하였다", "\t유전자를  분석\0하였다 "])
def test_odd_spaces_and_marks_lose_nothing(tokenizer, line):
    encoded = LineEncoder(tokenizer).encode([line, "유전자를"])
    assert encoded.lengths.sum() == len(encoded.ids) == len(encoded.flags)
    assert encoded.flags[0] == encoded.flags[encoded.lengths[0]] == MORPH | WORD | SENTENCE
    assert ((encoded.flags & MORPH) >= (encoded.flags & WORD) // WORD).all()


def test_no_lines(tokenizer):
    assert len(LineEncoder(tokenizer).encode([]).ids) == 0
