from __future__ import annotations

import datetime
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from korscideberta.data.readers import read_columns, read_table
from korscideberta.data.spreadsheets import write_sheet
from korscideberta.errors import DataError
from korscideberta.tasks import get

CELL = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), min_size=1, max_size=20
)


def book(path, *rows, sheets=1):
    made = Workbook()
    for row in rows:
        made.active.append(row)
    for number in range(1, sheets):
        made.create_sheet(f"둘째 {number}").append(["다른 표"])
    made.save(path)
    return path


def test_a_spreadsheet_of_papers(tmp_path, caplog):
    path = book(
        tmp_path / "논문.xlsx",
        ["번호", "논문제목", "초록", "대분류1", "대분류2", "대분류3"],
        [1, "광촉매 연구", "산화 반응을\n보았다", "NC", "EB", None],
        [],
        [2.0, "영상 분류", None, "정보/통신"],
        sheets=2,
    )
    with caplog.at_level(logging.INFO):
        first, second = get("papers").read(path, None, None, True)
    assert (first.id, first.text, first.labels) == ("1", "광촉매 연구\n산화 반응을\n보았다", ("NC", "EB"))
    assert (second.id, second.text, second.labels) == ("2", "영상 분류", ("EE",))
    assert second.origin.endswith("논문.xlsx:4")
    assert "of its 2 sheets the first, 'Sheet', is read" in caplog.text
    assert "labels from '대분류1', '대분류2', '대분류3'" in caplog.text


def test_cells_that_are_no_text(tmp_path):
    values = [3, 2.5, True, datetime.datetime(2024, 3, 1), datetime.datetime(2024, 3, 1, 12, 30), "끝"]
    path = book(tmp_path / "a.xlsx", list("abcdef"), values)
    assert list(read_table(path).rows[0].cells.values()) == [
        "3",
        "2.5",
        "TRUE",
        "2024-03-01",
        "2024-03-01T12:30:00",
        "끝",
    ]
    assert read_columns(path) == tuple("abcdef")


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=4))
@settings(max_examples=25)
def test_what_is_written_is_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("book") / "a.xlsx"
    write_sheet(path, ["a", "b"], rows)
    assert [tuple(row.cells.values()) for row in read_table(path).rows] == [
        row if row[1].strip() else (row[0], "") for row in rows if "".join(row).strip()
    ]


def test_a_text_is_never_a_formula(tmp_path):
    write_sheet(tmp_path / "a.xlsx", ["=a", "b"], [["=1+1", 0.25], ["\x00\x1b가", 3]])
    sheet = load_workbook(tmp_path / "a.xlsx").active
    assert [(cell.value, cell.data_type) for row in sheet.iter_rows() for cell in row] == [
        ("=a", "s"), ("b", "s"), ("=1+1", "s"), (0.25, "n"), ("가", "s"), (3, "n"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "the file is empty"),
        ([["제목", "분야"]], "a header but no rows"),
        ([["제목", "제목"], ["가", "나"]], "a.xlsx:1: column '제목' occurs twice"),
        ([["제목", None, "분야"], ["가", "나", "다"]], "a.xlsx:1: column 2 has no name"),
        ([["제목"], ["가"], ["나", "다"]], "a.xlsx:3: 2 cells where the header has 1"),
    ],
)
def test_faults_name_the_row(tmp_path, rows, message):
    with pytest.raises(DataError, match=message):
        read_table(book(tmp_path / "a.xlsx", *rows))


def test_no_workbook(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_table(tmp_path / "no.xlsx")
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(DataError, match="not a readable workbook"):
        read_table(tmp_path / "a.xlsx")
