from __future__ import annotations

import csv
import json
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from korscideberta.data import text_files
from korscideberta.data.readers import is_missing, open_table, read_columns, read_table
from korscideberta.data.text_files import find_encoding, read_text
from korscideberta.errors import DataError

CELL = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)


@pytest.fixture
def write(tmp_path):
    def write_file(name, content, encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write_file


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_encodings(write, encoding, caplog):
    path = write("a.csv", "제목,분야\n광촉매 연구,화학\n", encoding)
    with caplog.at_level(logging.WARNING):
        table = read_table(path)
    assert table.columns == ("제목", "분야")
    assert table.rows[0].cells == {"제목": "광촉매 연구", "분야": "화학"}
    assert ("CP949" in caplog.text) == (encoding == "cp949")


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_files_are_decoded_in_blocks(write, monkeypatch, encoding, size):
    monkeypatch.setattr(text_files, "_BLOCK", size)
    content = "제목,분야\n광촉매 연구,화학\n".encode(encoding)
    assert read_table(write("a.csv", content)).rows[0].cells == {"제목": "광촉매 연구", "분야": "화학"}
    line = 3 if encoding == "utf-8" else 1  # the first that is not UTF-8
    with pytest.raises(DataError, match=rf"a\.csv:{line}: neither"):
        read_table(write("a.csv", content + b"\xff\xff,\xea"))


def test_only_a_line_feed_ends_a_line_of_json(write):
    table = read_table(write("a.jsonl", '{"t": "가\u2028나"}\r\n\r{"t": "다"}\n'))
    assert [(row.cells["t"], row.origin[-2:]) for row in table.rows] == [("가\u2028나", ":1"), ("다", ":2")]


def test_csv_quotes_and_line_numbers(write):
    table = read_table(write("a.csv", 'text,label\n"두 줄\n텍스트, 쉼표",A\n\n둘째,B\n'))
    assert table.rows[0].cells["text"] == "두 줄\n텍스트, 쉼표"
    assert [row.origin.rsplit(":", 1)[1] for row in table.rows] == ["2", "5"]


def test_tsv_takes_quotes_literally(write):
    table = read_table(write("a.tsv", '문장\t라벨\n그가 말했다, "엄마\tA\n'))
    assert table.rows[0].cells["문장"] == '그가 말했다, "엄마'


def test_json_lines_and_lists(write):
    records = [{"t": "하나", "n": 3, "f": ["A", "B"]}, {"t": None, "n": float("nan")}]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    for path in (write("a.jsonl", lines), write("a.json", json.dumps(records))):
        table = read_table(path)
        assert [row.cells for row in table.rows] == [{"t": "하나", "n": "3", "f": "A|B"}, {"t": "", "n": "", "f": ""}]


@given(rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["a", "b"])
        writer.writerows(rows)
    assert [tuple(row.cells.values()) for row in read_table(path).rows] == rows


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "the file is empty"),
        ("a.csv", " \n\n", "the file is empty"),
        ("a.jsonl", "\n \n", "the file is empty"),
        ("a.json", "", "the file is empty"),
        ("a.csv", "text,label\n", "a header but no rows"),
        ("a.csv", "text,label\n하나,A\n둘\n", r"a\.csv:3: 1 cells where the header has 2"),
        ("a.csv", 'text,label\n"열린 따옴표,A\n', r"a\.csv:2: broken record"),
        ("a.csv", "text,text\n하나,A\n", "occurs twice"),
        ("a.csv", b"text,label\n\xff\xfe\x00,A\n", r"a\.csv:2: neither UTF-8 nor CP949"),
        ("a.jsonl", '{"t": 1}\n{"t": \n', r"a\.jsonl:2: not valid JSON"),
        ("a.jsonl", "[1]\n", r"a\.jsonl:1: an object was expected, found list"),
        ("a.json", '{"t": 1}', "a list of objects was expected"),
        ("a.xls", "x", "the ending '.xls' is not known; use one of .csv, .json, .jsonl, .parquet, .tsv, .txt, .xlsx"),
    ],
)
def test_faults_name_file_and_line(write, name, content, message):
    with pytest.raises(DataError, match=message):
        read_table(write(name, content))


def test_columns_alone(write):
    broken = write("a.tsv", "문장\t라벨\n하나\n")
    assert read_columns(broken) == ("문장", "라벨")
    for path in (write("b.csv", "\n a ,b\n1,2\n"), write("c.jsonl", '{"a": 1}\n{"b": 2}\n')):
        assert read_columns(path) == read_table(path).columns == ("a", "b")
    with pytest.raises(DataError, match="the file is empty"):
        read_columns(write("d.csv", "\n"))


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_table(tmp_path / "no.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match="cannot be read"):
        read_table(tmp_path / "folder.csv")


def test_missing_values():
    assert all(map(is_missing, ["", "  ", "NaN", "nan", "None", "null", "N/A"]))
    assert not any(map(is_missing, ["0", "나노", "nan 입자"]))


def test_rows_are_read_when_they_are_asked_for(write):
    path = write("a.csv", "text,label\n하나,A\n둘,B\n셋\n")
    table = open_table(path)
    for _ in range(2):
        rows = iter(table.rows)
        assert [next(rows).cells["text"] for _ in range(2)] == ["하나", "둘"]
        with pytest.raises(DataError, match=r"a\.csv:4: 1 cells where the header has 2"):
            next(rows)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.parquet"])
def test_a_table_can_be_gone_through_twice(tmp_path, name):
    path = tmp_path / name
    records = [{"t": f"글 {number}", "n": str(number)} for number in range(3000)]
    if name == "a.parquet":
        pa = pytest.importorskip("pyarrow")
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(records), path)
    elif name == "a.csv":
        path.write_text("t,n\n" + "".join(f"{one['t']},{one['n']}\n" for one in records), encoding="utf-8")
    else:
        lines = [json.dumps(one, ensure_ascii=False) for one in records]
        path.write_text("\n".join(lines) if name == "a.jsonl" else f"[{','.join(lines)}]", encoding="utf-8")
    table = open_table(path)
    assert [row.cells for row in table.rows] == [row.cells for row in table.rows] == records


@given(text=st.text(st.characters(exclude_categories=("Cs",)), max_size=30), chunk=st.integers(1, 5))
def test_encodings_are_told_in_pieces_of_any_size(tmp_path_factory, text, chunk):
    path = tmp_path_factory.getbasetemp() / "any.txt"
    before, text_files._BLOCK = text_files._BLOCK, chunk
    try:
        path.write_bytes(text.encode("utf-8"))
        assert find_encoding(path) == "utf-8-sig"
        assert read_text(path) == text.encode("utf-8").decode("utf-8-sig")
        korean = "가각 " + text.encode("cp949", "ignore").decode("cp949") + "\n힣"
        path.write_bytes(korean.encode("cp949"))
        assert find_encoding(path) == "cp949"
        assert read_text(path) == korean
        path.write_bytes(b"\n" * len(text) + b"\xff")
        with pytest.raises(DataError, match=f"any.txt:{len(text) + 1}: neither"):
            find_encoding(path)
    finally:
        text_files._BLOCK = before
