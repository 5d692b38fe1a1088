from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsed_page import parse

from korscideberta.evaluation.report.html import Markup, clean, cut, fitted, join, number, tag, text_width

HOSTILE = st.one_of(
    st.text(),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "</style><b>",
            "&lt;&#60;",
            "a\0b",
            "\ud800",
            "\u202eabc",
        ]
    ),
)


@settings(max_examples=60)
@given(HOSTILE)
def test_no_text_becomes_markup(text):
    page = tag("p", text, title=text)
    page.encode()  # halves of surrogate pairs are gone
    found = parse(page)
    assert [name for name, _ in found.tags] == ["p"]
    assert found.text == clean(text)
    assert found.tags[0][1] == {"title": clean(text)}


def test_marks_that_turn_text_around_are_replaced():
    assert clean("a\u202eb\u2066c\x00d") == "a\ufffdb\ufffdc\ufffdd"
    assert clean("한글\n\tok 😀") == "한글\n\tok 😀"


def test_markup_and_nothing_are_kept_as_they_are():
    inner = tag("b", 1.5, None, ["x", ["y"]])
    assert inner == "<b>1.5xy</b>"
    assert tag("p", inner, class_="note", hidden=True, id=None, lang=False) == '<p class="note" hidden><b>1.5xy</b></p>'
    assert tag("meta", http_equiv="x") == '<meta http-equiv="x">'
    assert isinstance(join(["<"]), Markup)
    assert join(["<"]) == "&lt;"


@given(st.text(), st.integers(1, 50))
def test_a_cut_text_is_no_longer_than_the_limit(text, limit):
    shown = cut(text, limit)
    assert len(shown) <= limit
    assert shown == " ".join(text.split()) or shown.endswith("…")


@given(st.text(), st.floats(20, 300))
def test_a_fitted_text_is_no_wider_than_its_room(text, width):
    assert text_width(fitted(text, width, 13), 13) <= width


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1"), (0.126, "0.13"), (2.5, "2.5"), (1234.0, "1234"), (-0.5, "-0.5")]
)
def test_numbers_of_coordinates(value, text):
    assert number(value) == text
