from __future__ import annotations

import logging

import pytest

from korscideberta.data.headers import guess_columns
from korscideberta.data.readers import read_table
from korscideberta.errors import DataError
from korscideberta.tasks import get


def table(tmp_path, header, *rows):
    path = tmp_path / "논문.csv"
    path.write_text("\n".join([header, *(rows or [",".join("가" * (header.count(",") + 1))])]) + "\n", encoding="utf-8")
    return read_table(path)


@pytest.mark.parametrize(
    ("header", "text", "label", "identity"),
    [
        ("논문제목,초록,대분류1,대분류2,대분류3", ("논문제목", "초록"), "대분류1,대분류2,대분류3", None),
        ("번호,제목,국문초록,연구분야", ("제목", "국문초록"), "연구분야", "번호"),
        ("논문명(국문),영문제목,초록 (국문),분야", ("논문명(국문)", "초록 (국문)"), "분야", None),
        ("Title,Abstract,Category", ("Title", "Abstract"), "Category", None),
        ("대분류 2,대분류 1,중분류 1,본문", ("본문",), "대분류 1,대분류 2", None),
        ("과제명,대분류코드,대분류명", ("과제명",), "대분류코드", None),
        ("내용", ("내용",), None, None),
    ],
)
def test_headers(tmp_path, header, text, label, identity):
    found = guess_columns(table(tmp_path, header), several_labels=True)
    assert (found.text, found.label, found.id) == (text, label, identity)


@pytest.mark.parametrize(
    ("levels", "label"),
    [
        (1, "대분류1,대분류2"),
        (2, "대분류1>중분류1,대분류2"),
        (3, "대분류1>중분류1>소분류 코드1,대분류2>소분류 코드2"),
    ],
)
def test_levels_of_a_field_are_joined(tmp_path, levels, label):
    header = "제목,소분류 코드2,소분류 코드1,중분류1,대분류1,대분류2,소분류명1"
    found = guess_columns(table(tmp_path, header), several_labels=True, levels=levels)
    assert found.label == label


def test_an_id_that_repeats_is_none(tmp_path):
    found = guess_columns(table(tmp_path, "번호,제목", "1,가", "1,나"), several_labels=True)
    assert found.id is None


def test_no_text(tmp_path):
    with pytest.raises(DataError, match=r"논문\.csv: no header tells .* 'x1', 'x2'; name columns with --text"):
        guess_columns(table(tmp_path, "x1,x2"), several_labels=True)


def test_papers_take_every_field_and_classify_the_first(tmp_path, caplog):
    rows = ("광촉매,연구,NC,EB,", "딥러닝,분류,정보/통신,,NaN")
    path = table(tmp_path, "논문제목,초록,대분류1,대분류2,대분류3", *rows).path
    with caplog.at_level(logging.INFO):
        papers = get("papers").read(path, None, None, True)
        assert [example.labels for example in papers] == [("NC", "EB"), ("EE",)]
        assert (
            "text from '논문제목' and '초록', labels from '대분류1', '대분류2', '대분류3', by the headers"
            in caplog.text
        )
        single = get("classify").read(path, None, None, True)
    assert [(example.text, example.labels) for example in single] == [
        ("광촉매\n연구", ("NC",)),
        ("딥러닝\n분류", ("정보/통신",)),
    ]
    assert "left out '대분류2', '대분류3'" in caplog.text
    assert [example.labels for example in get("papers").read(path, None, None, False)] == [(), ()]
