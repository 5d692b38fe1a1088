from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from korscideberta.errors import DataError, DependencyError
from korscideberta.tokenization import corpus
from korscideberta.tokenization.corpus import CorpusFormat, find_corpus, read_blocks, read_texts

zstandard = pytest.importorskip("zstandard")

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": lambda raw: zstandard.ZstdCompressor().compress(raw),
}


def read(path: Path, **form: object) -> tuple[list[str], int]:
    """All texts of a file and the number of bad lines, after checks that hold for every file."""
    texts, bad = [], 0
    chosen = CorpusFormat(**form)  # type: ignore[arg-type]
    for block in read_blocks(path, chosen):
        found, faults = read_texts(block, chosen)
        texts += found
        bad += faults
    return texts, bad


@pytest.mark.parametrize("ending", PACKERS)
@pytest.mark.parametrize("block", [8, 100, 1 << 20])
def test_same_texts_from_every_container(tmp_path, monkeypatch, ending, block):
    monkeypatch.setattr(corpus, "BLOCK", block)
    monkeypatch.setattr(corpus, "_CHUNK", 16)
    expected = ["가나다", "", "x" * 7, "라마\t바", "끝"]
    text = tmp_path / f"a.txt{ending}"
    text.write_bytes(PACKERS[ending]("\r\n".join(expected).encode("utf-8-sig")))
    assert "".join(read(text)[0]) == "".join(expected)
    assert read(text, whole_lines=True) == (expected, 0)
    records = tmp_path / f"a.jsonl{ending}"
    lines = [json.dumps({"id": 1, "글": text}, ensure_ascii=False) for text in expected]
    records.write_bytes(PACKERS[ending]("\n\n".join(lines).encode() + b"\n"))
    assert read(records, field="글") == (expected, 0)


@given(lines=st.lists(st.text("ab 가𐀀\ufeff", max_size=30), max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_blocks_are_the_file(tmp_path, monkeypatch, lines):
    monkeypatch.setattr(corpus, "BLOCK", 16)
    monkeypatch.setattr(corpus, "_CHUNK", 8)
    raw = "\n".join(lines).encode()
    path = tmp_path / "a.txt"
    path.write_bytes(raw)
    blocks = list(read_blocks(path, CorpusFormat()))
    assert b"".join(block.raw for block in blocks) == raw.removeprefix(b"\xef\xbb\xbf")
    for number, block in enumerate(blocks):
        assert len(block.raw) <= 16 + 8
        assert block.line == 1 + b"".join(earlier.raw for earlier in blocks[:number]).count(b"\n")
    assert "".join(read(path)[0]) == raw.decode().removeprefix("\ufeff").replace("\n", "")
    if blocks:
        assert blocks[-1].consumed == len(raw)


def test_a_line_of_any_length_needs_little_memory(tmp_path):
    path = tmp_path / "long.txt.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(64):
            file.write("가".encode() * 350_000)
    tracemalloc.start()
    sizes = [len(block.raw) for block in read_blocks(path, CorpusFormat())]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(sizes) == 64 * 3 * 350_000
    assert max(sizes) <= corpus.BLOCK
    assert peak < 5 * corpus.BLOCK


def test_long_lines_are_cut_at_spaces_or_between_characters(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "BLOCK", 10)
    monkeypatch.setattr(corpus, "_CHUNK", 4)
    path = tmp_path / "a.txt"
    path.write_text("가나 다라마바사아\n끝", encoding="utf-8")
    assert read(path)[0] == ["가나 ", "다라마", "바사아", "끝"]


def test_an_overlong_record(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "BLOCK", 10)
    monkeypatch.setattr(corpus, "MAX_RECORD", 1 << 20)
    path = tmp_path / "a.jsonl"
    monkeypatch.setattr(corpus, "_CHUNK", 1 << 14)
    path.write_text('{"text": "가"}\n{"text": "%s"}\n{"text": "나"}\n' % ("x" * (1 << 21)), encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.jsonl:2: a line of more than 1 MiB"):
        read(path)
    assert read(path, skip_bad=True) == (["가", "나"], 1)


@pytest.mark.parametrize(
    ("name", "content", "message", "skipped"),
    [
        (
            "a.txt",
            b"\xea\xb0\x80\nab\xb0\xa1c\n\xeb\x81\x9d",
            "a.txt:2: byte 3 of the line (0xb0)",
            ["가", "ab��c", "끝"],
        ),
        ("a.txt", "글".encode("utf-16"), "a.txt:1: byte 1 of the line (0xff)", None),
        ("a.jsonl", b'{"text": "a"}\n{"text": \n', "a.jsonl:2: not valid JSON", ["a"]),
        ("a.jsonl", b'{"text": "a"}\n["text"]\n', "a.jsonl:2: a JSON object was expected, found list", ["a"]),
        ("a.jsonl", b'{"text": "a"}\n{"body": "b", "id": 1}\n', "no field 'text'; the record has 'body', 'id'", ["a"]),
        ("a.jsonl", b'{"text": "a"}\n{"text": null}\n', "the field 'text' holds NoneType", ["a"]),
        ("a.jsonl", b'{"text": "a"}\n{"text": "\xff"}\n', "a.jsonl:2: byte 11 of the line", ["a"]),
        ("a.jsonl", b'{"text": "a"}\n' + b"[" * 100_000 + b"\n", "a.jsonl:2: ", ["a"]),
        (
            "a.txt.gz",
            gzip.compress(b"a\nb\nc\n" * 99, mtime=0)[:-1],
            "a.txt.gz:298: the file is damaged or cut short",
            None,
        ),
        ("a.txt.gz", b"plain text", "a.txt.gz:1: the file is damaged or cut short (Not a gzipped file", []),
        ("a.txt.zst", zstandard.ZstdCompressor().compress(b"a\n" * 9)[:-1], "a.txt.zst:", None),
        ("a.txt.zst", b"plain text", "a.txt.zst:1: the file is damaged or cut short", []),
    ],
)
def test_bad_files(tmp_path, name, content, message, skipped):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(path)
    assert message in str(caught.value)
    texts, bad = read(path, skip_bad=True)
    assert bad >= 1
    if skipped is not None:
        assert (texts, bad) == (skipped, 1)


def test_what_an_archive_cut_short_still_holds(tmp_path):
    lines = [f"줄 {number}" for number in range(40_000)]
    for ending, pack in list(PACKERS.items())[1:]:
        path = tmp_path / f"a.txt{ending}"
        packed = pack("\n".join(lines).encode())
        path.write_bytes(packed[: len(packed) // 2])
        texts, bad = read(path, skip_bad=True)
        assert bad == 1
        assert texts == lines[: len(texts)]
    assert len(texts) < len(lines)


def test_zstandard_frames_follow_one_another(tmp_path):
    path = tmp_path / "a.txt.zst"
    path.write_bytes(PACKERS[".zst"](b"a\nb") + PACKERS[".zst"](b"c\n"))
    assert read(path) == (["a", "bc"], 0)


def test_zstandard_is_optional(tmp_path, monkeypatch):
    path = tmp_path / "a.txt.zst"
    path.write_bytes(PACKERS[".zst"](b"a"))
    monkeypatch.setitem(__import__("sys").modules, "zstandard", None)
    with pytest.raises(DependencyError, match=r"pip install 'korscideberta\[zstd\]'"):
        read(path)


def test_find_corpus(tmp_path):
    for name in ("b.txt", "a.txt", "deep/er/c.jsonl.gz", "odd[1].txt", "t.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = find_corpus([tmp_path / "b.txt", f"{tmp_path}/*.txt", f"{tmp_path}/**/*.gz", tmp_path / "odd[1].txt"])
    assert [path.name for path in found] == ["b.txt", "a.txt", "odd[1].txt", "c.jsonl.gz"]
    for pattern, message in [
        ("no.txt", "no such file"),
        ("*.md", "no such files"),
        ("deep", "a folder; name its files"),
        ("t.csv", ".csv is not read"),
    ]:
        with pytest.raises(DataError, match=message):
            find_corpus([tmp_path / pattern])
