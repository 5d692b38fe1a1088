from __future__ import annotations

from collections import Counter

import pytest

from korscideberta.errors import ConfigError
from korscideberta.pretraining.cleaning import (
    Cleaning,
    clean_document,
    hangul_share,
    has_broken_spacing,
    without_control_characters,
)


def test_control_characters():
    assert without_control_characters("가\u200b나\t다\x00\ufeff\u2028라\xad\ufffd🙂") == "가나 다 라🙂"


@pytest.mark.parametrize(
    "line",
    [
        "이 문서에서는 어셈블러에 대 한 명령줄 정보를 제공 합니다.",
        "Visual Studio를 사용 하 여 연결합니다.",
        "표시 되 는 값",
        "한 번 보 면 또 보 게 되 는 영 화",
    ],
)
def test_broken_spacing(line):
    assert has_broken_spacing(line)


@pytest.mark.parametrize(
    "line",
    [
        "이 영화에 대한 별다른 정보가 없다면 꼭 보라고 강추한다",
        "자동차 세 대 한 줄로 서 있다",
        "위 어 솔져스가 개념작이었단게 새삼스럽게 느껴진다.",
        "그 수 또한 두 배가 되었고 더 클 것이라 한다",
        "가 나 다 라",
        "",
    ],
)
def test_sound_spacing(line):
    assert not has_broken_spacing(line)


def test_hangul_share():
    assert hangul_share("가나 ab 12.") == 0.5
    assert hangul_share("12 !?") == 0
    assert hangul_share("ㅋㅋ 하하") == 1


def test_every_step_is_switchable_and_counted():
    lines = ["가\u200b나", "제공에 대 한", "English text with 한"]
    counts = Counter()
    assert clean_document(lines, Cleaning(min_hangul=0), counts) == ["가나", "English text with 한"]
    assert counts == {"lines_with_control_characters": 1, "lines_with_broken_spacing": 1}
    off = Cleaning(control_characters=False, broken_spacing=False, min_hangul=0.0)
    counts = Counter()
    assert clean_document(lines, off, counts) == lines
    assert not +counts
    for document, reason in [
        (["\u200b"], "documents_without_text"),
        (["에 대 한"], "documents_without_text"),
        (["English"], "documents_in_other_languages"),
        (["가 나"], "documents_too_short"),
    ]:
        counts = Counter()
        assert clean_document(document, Cleaning(min_characters=3), counts) == []
        assert counts[reason] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_hangul": 1.5}, "--min-hangul 1.5"),
        ({"boilerplate": 1}, "--boilerplate 1"),
        ({"min_characters": 0}, "--min-characters 0"),
    ],
)
def test_impossible_settings(options, message):
    with pytest.raises(ConfigError, match=message):
        Cleaning(**options)
