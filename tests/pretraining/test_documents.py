from __future__ import annotations

import pytest
from corpora import settings
from hypothesis import given
from hypothesis import strategies as st

from korscideberta.errors import ConfigError, DataError
from korscideberta.pretraining import documents
from korscideberta.pretraining.documents import document_blocks, read_documents
from korscideberta.tokenization import corpus


def read(path, **options):
    form = settings(**options).form
    found, bad = [], 0
    for block in document_blocks(path, form):
        part, worse = read_documents(block, form)
        found += part
        bad += worse
    return found, bad


@pytest.fixture
def write(tmp_path):
    def write(content, name="a.txt"):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / name

    return write


def test_a_line_is_a_document(write):
    assert read(write("가\n\n나 다\r\n  \n라")) == ([["가"], ["나 다"], ["라"]], 0)


def test_lines_up_to_a_blank_one_are_a_document(write):
    assert read(write("가\n나\n\n \n다\r\n\r\n라\n마"), document="blank")[0] == [["가", "나"], ["다"], ["라", "마"]]


def test_a_record_is_a_document(write):
    path = write('{"본문": "가\\n나\\n\\n다"}\n{"본문": ""}\n{"본문": "라"}\n', "a.jsonl")
    for document in ("line", "blank"):
        assert read(path, field="본문", document=document)[0] == [["가", "나", "다"], ["라"]]


@given(
    paragraphs=st.lists(st.lists(st.text("가나 ", min_size=1).filter(str.strip), min_size=1), min_size=1),
    block=st.integers(1, 40),
)
def test_blocks_end_between_documents(paragraphs, block, tmp_path_factory):
    path = tmp_path_factory.mktemp("blocks") / "a.txt"
    path.write_text("\n\n".join("\n".join(lines) for lines in paragraphs), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        # Lines longer than a block are cut; these are whole.
        patch.setattr(corpus, "BLOCK", block + 1000)
        patch.setattr(corpus, "_CHUNK", block)
        assert read(path, document="blank")[0] == paragraphs


def test_a_document_too_long_to_wait_for_is_cut_between_lines(write, monkeypatch):
    monkeypatch.setattr(corpus, "BLOCK", 20)
    monkeypatch.setattr(corpus, "_CHUNK", 8)
    monkeypatch.setattr(documents, "MAX_DOCUMENT", 40)
    path = write("\n".join(["가나다라"] * 20))
    found, _ = read(path, document="blank")
    assert len(found) > 1
    assert [line for lines in found for line in lines] == ["가나다라"] * 20


def test_a_very_long_line_is_cut_into_documents(write, monkeypatch):
    monkeypatch.setattr(corpus, "BLOCK", 1000)
    found, _ = read(write("가나 다라 " * 2000))
    assert len(found) > 10
    assert all(len(line.encode()) <= 1001 for (line,) in found)
    assert " ".join(line.strip() for (line,) in found).split() == ["가나", "다라"] * 2000


def test_bytes_that_are_not_utf8(write):
    path = write("가\n".encode() + b"\xb0\xa1\n" + "나\n".encode())
    with pytest.raises(DataError, match=r"a.txt:2: .*not UTF-8"):
        read(path)
    assert read(path, skip_bad=True) == ([["가"], ["��"], ["나"]], 1)


def test_an_unknown_kind_of_document():
    with pytest.raises(ConfigError, match="--document lines: did you mean 'line'"):
        settings(document="lines")
