from __future__ import annotations

from io import BytesIO
from string import Formatter

import pytest
from fontTools.ttLib import TTFont

from korscideberta.errors import ConfigError
from korscideberta.evaluation.report import page, words
from korscideberta.evaluation.report.words import Words
from korscideberta.tasks.taxonomy import LARGE_FIELDS


@pytest.fixture(scope="module")
def font():
    import base64

    return TTFont(BytesIO(base64.b64decode(page._font().partition("base64,")[2])))


@pytest.mark.parametrize("key", words._WORDS)
def test_both_languages_say_the_same(key):
    places = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in words._WORDS[key]]
    assert places[0] == places[1]
    assert all(words._WORDS[key])


def test_the_font_draws_every_syllable_and_every_word(font):
    drawn = set(font.getBestCmap())
    assert set(range(0xAC00, 0xD7A4)) <= drawn
    told = "".join(text for pair in [*words._WORDS.values(), *words._FIGURES.values()] for text in pair)
    assert {ord(character) for character in told + "".join(LARGE_FIELDS.values())} <= drawn


def test_the_font_bears_a_name_of_its_own_and_its_licence(font):
    names = {record.nameID: str(record) for record in font["name"].names}
    assert not any(reserved in names[key] for key in (1, 3, 4, 6) for reserved in ("Nanum", "Naver"))
    assert "NHN" in names[0]
    assert "Open Font License" in names[13]


def test_a_figure_that_is_not_known_keeps_its_name():
    assert Words("ko").figure("hits_at_7", 3) == "hits_at_7"
    assert Words("en").figure("topk_accuracy", 3) == "Top-3 accuracy"
    assert Words("en").figure("large_topk_accuracy", 3) == "Large fields: Top-3 accuracy"
    assert Words("ko").figure("middle_hits_at_7", 3) == "중분류 hits_at_7"
    assert Words("ko").figure_about("hits_at_7", 3) == ""
    assert Words("ko").split("test") == "시험"
    assert Words("ko").split("fold") == "fold"


def test_an_unknown_language_is_refused():
    with pytest.raises(ConfigError, match="--language kr: known: en, ko"):
        Words("kr")
