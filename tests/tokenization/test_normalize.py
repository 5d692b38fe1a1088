from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korscideberta import normalize
from korscideberta.errors import ConfigError

SPECIALS = "".join({**normalize.RELEASED_REPLACEMENTS, **normalize.MOSES_PUNCTUATION}) + "。．"
ANY = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from(SPECIALS + " \0\t\ufeff\u200b\u3000\u0338\u0301\u037e\u2329\u232a가\u1100\u1161\ud800."),
    )
)
FUNCTIONS = [
    normalize.repair_surrogates,
    normalize.clean_controls,
    normalize.replace_punctuation,
    normalize.replace_unicode_punct,
    normalize.normalize,
]


@pytest.mark.parametrize("step", [*FUNCTIONS, *dict.fromkeys(normalize.RELEASED_1)])
@given(text=ANY)
def test_a_second_time_changes_nothing(step: normalize.Step, text: str) -> None:
    once = step(text)
    assert step(once) == once


@pytest.mark.parametrize("name", normalize.NORMALIZATIONS)
@given(text=ANY)
def test_a_normalization_is_its_steps(name: str, text: str) -> None:
    result = text
    for step in normalize.normalization_steps(name):
        result = step(result)
    assert normalize.normalization(name)(text) == result


@given(ANY)
def test_result_is_clean(text: str) -> None:
    result = normalize.normalize(text)
    result.encode("utf-8")
    assert unicodedata.is_normalized("NFC", result)
    assert result == result.strip(" ")
    assert "  " not in result
    assert not any(unicodedata.category(character) == "Cc" for character in result)
    assert not set(result) & set(SPECIALS)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("“미세” — ‘플라스틱’", "\"미세\" - '플라스틱'"),
        ("『책』 《글》 【표】 ｛집합｝ （주）", '"책" <글> [표] {집합} (주)'),
        ("１２％，끝。다음…", "12%,끝. 다음..."),
        ("a\0b\ufeffc\u200bd", "abcd"),
        ("줄\r\n바꿈\t탭\u3000전각\xa0공백", "줄 바꿈 탭 전각 공백"),
        ("lone \ud83d half", "lone \ufffd half"),
        ("\u1112\u1161\u11ab글 ㅋㅋㅋㅠㅠ", "한글 ㅋㅋㅋㅠㅠ"),
        ("\u2329x\u232a", "<x>"),
        ("", ""),
    ],
)
def test_normalize(text: str, result: str) -> None:
    assert normalize.normalize(text) == result


def test_unknown_normalization_is_named() -> None:
    with pytest.raises(ConfigError, match="unknown normalization 'nfd'; known: released-1, none"):
        normalize.normalization("nfd")


@given(ANY | st.text(st.sampled_from("가나다 a.,\u0301“")))
def test_a_text_that_needs_nothing_is_seen_as_such(text: str) -> None:
    """What `normalize` gives is what all its steps give, whether it takes them or not."""
    steps = unicodedata.normalize("NFC", normalize.clean_controls(normalize.repair_surrogates(text)))
    steps = normalize.replace_unicode_punct(normalize.replace_punctuation(steps))
    assert normalize.normalize(text) == unicodedata.normalize("NFC", re.sub(" +", " ", steps).strip(" "))
