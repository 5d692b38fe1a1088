from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korscideberta import unicode

JAMO = st.text(alphabet="ㄱㄴㅋㅎㅆㄸㄳㅂㅏㅠㅗ가한 a\u1100\u1161\u11a8")


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("ㅎㅏㄴㄱㅡㄹ", "한글"),
        ("ㅇㅏㄴㄴㅕㅇ", "안녕"),
        ("ㄱㅏㅄㅇㅣ", "값이"),
        ("ㅇㅏㅃㅏ", "아빠"),
        ("ㅋㅋㅋ", "ㅋㅋㅋ"),
        ("ㅠㅠ", "ㅠㅠ"),
        ("ㅋㅋㅋㅠㅠ", "ㅋㅋㅋㅠㅠ"),
        ("ㅎㄷㄷ", "ㅎㄷㄷ"),
        ("ㅎㅏㅋㅋㅋ", "하ㅋㅋㅋ"),
        ("진짜ㅋㅋ", "진짜ㅋㅋ"),
        ("\u1112\u1161\u11ab", "한"),
        ("가\u11a8", "각"),
        ("", ""),
    ],
)
def test_join_jamos(text: str, joined: str) -> None:
    assert unicode.join_jamos(text) == joined


@given(st.text(alphabet=st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)))
def test_join_undoes_split(text: str) -> None:
    assert unicode.join_jamos(unicode.split_syllables(text)) == text


@given(JAMO)
def test_join_twice_changes_nothing(text: str) -> None:
    once = unicode.join_jamos(text)
    assert unicode.join_jamos(once) == once


@given(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3))
def test_split_agrees_with_canonical_decomposition(syllable: str) -> None:
    decomposed = unicode.compatibility_jamos(unicodedata.normalize("NFD", syllable))
    assert "".join(unicode.split_syllable(syllable)) == decomposed
    assert unicode.has_coda(syllable) == (len(decomposed) == 3)


@pytest.mark.parametrize(
    ("word", "coda"), [("학교", False), ("연구실", True), ("DNA", False), ("ㄱ", False), ("", False)]
)
def test_has_coda(word: str, coda: bool) -> None:
    assert unicode.has_coda(word) is coda


@pytest.mark.parametrize("text", ["", "가나", "a", "ㄱ"])
def test_split_refuses_what_is_no_syllable(text: str) -> None:
    with pytest.raises(ValueError, match="not one Hangul syllable"):
        unicode.split_syllable(text)


def test_compatibility_jamos_undo_nfkc() -> None:
    assert unicode.compatibility_jamos(unicodedata.normalize("NFKC", "ㅋㅋㅋ ㅠㅠ")) == "ㅋㅋㅋ ㅠㅠ"
