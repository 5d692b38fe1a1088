from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from korscideberta.data import cache as cache_module
from korscideberta.data.cache import cache_folder, entry_name, read_entry, write_entry

Arrays = Sequence[NDArray[np.int32]]
ROWS = [np.array(column, dtype=np.int32) for column in ([1, 7, 2, 1, 2, 9, 2], [3, 4], [3, 2])]


def same(one: Arrays | None, other: Arrays) -> bool:
    return one is not None and len(one) == len(other) and all(map(np.array_equal, one, other))


def test_an_entry_is_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "a.encoded"
    write_entry(path, ROWS)
    found = read_entry(path)
    assert same(found, ROWS)
    assert found is not None
    assert all(isinstance(array, np.memmap) for array in found)
    assert [file.name for file in path.parent.iterdir()] == ["a.encoded"]


def test_no_rows(tmp_path: Path) -> None:
    for arrays in ([], [np.zeros(0, dtype=np.int32)] * 2):
        write_entry(tmp_path / "a.encoded", arrays)
        assert same(read_entry(tmp_path / "a.encoded"), arrays)


def test_no_entry(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read_entry(tmp_path / "a.encoded") is None
    assert not caplog.records


@settings(deadline=None, max_examples=40)
@given(place=st.integers(0, 115), change=st.integers(1, 255))
def test_a_changed_byte_is_noticed(tmp_path_factory: pytest.TempPathFactory, place: int, change: int) -> None:
    path = tmp_path_factory.mktemp("damage") / "a.encoded"
    write_entry(path, ROWS)
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= change
    path.write_bytes(content)
    assert read_entry(path) is None


@pytest.mark.parametrize("length", [0, 3, 40, 72, 115])
def test_a_shortened_entry_is_noticed(tmp_path: Path, caplog: pytest.LogCaptureFixture, length: int) -> None:
    path = tmp_path / "a.encoded"
    write_entry(path, ROWS)
    path.write_bytes(path.read_bytes()[:length])
    assert read_entry(path) is None
    assert "encoded again" in caplog.text


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    write_entry(tmp_path / "file" / "a.encoded", ROWS)
    assert "not kept" in caplog.text
    assert read_entry(tmp_path / "file" / "a.encoded") is None


def test_entries_used_longest_ago_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "LIMIT", 400)  # an entry takes 116 bytes
    for age, name in enumerate("dcba"):
        write_entry(tmp_path / f"{name}.encoded", ROWS)
        os.utime(tmp_path / f"{name}.encoded", (1e9 - age, 1e9 - age))
    assert {path.stem for path in tmp_path.iterdir()} <= set("abcd")
    read_entry(tmp_path / "a.encoded")
    write_entry(tmp_path / "e.encoded", ROWS)
    assert {path.stem for path in tmp_path.iterdir()} == {"a", "d", "e"}


def test_abandoned_temporary_files_are_removed(tmp_path: Path) -> None:
    for name in (".a.encoded.1.tmp", "other.tmp", ".b.encoded.2.tmp"):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (1e9, 1e9))
    os.utime(tmp_path / ".b.encoded.2.tmp")
    write_entry(tmp_path / "a.encoded", ROWS)
    assert {path.name for path in tmp_path.iterdir()} == {"a.encoded", "other.tmp", ".b.encoded.2.tmp"}


TEXTS = st.lists(st.tuples(st.text(max_size=4), st.none() | st.text(max_size=4)), max_size=4)


@given(TEXTS, TEXTS)
def test_other_texts_have_another_name(one: list[tuple[str, str | None]], other: list[tuple[str, str | None]]) -> None:
    assert (entry_name(one, "t", 10) == entry_name(other, "t", 10)) == (one == other)


def test_tokenizer_and_what_is_kept_are_in_the_name() -> None:
    forms = (10, 11, None, "spans")
    assert len({entry_name([("a", None)], digest, form) for digest in ("t", "u") for form in forms}) == 8


def test_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KORSCI_CACHE", "/some/where")
    assert cache_folder() == Path("/some/where")
    monkeypatch.delenv("KORSCI_CACHE")
    monkeypatch.setattr(Path, "home", lambda: Path("/home/kim"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for system, folder in (("linux", ".cache"), ("darwin", "Library/Caches"), ("win32", "AppData/Local")):
        monkeypatch.setattr(sys, "platform", system)
        monkeypatch.delenv("LOCALAPPDATA", raising=False)
        assert cache_folder() == Path("/home/kim") / folder / "korscideberta"


def test_a_miss_is_no_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert read_entry(tmp_path / "absent" / "a.encoded") is None
    assert not caplog.records
