from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from korscideberta.errors import DependencyError
from korscideberta.tokenization import dictionary as dictionaries
from korscideberta.tokenization.dictionary import check_dictionary, dictionary_identity, find_dictionary
from korscideberta.tokenization.mecab import SharedAnalyser


def test_the_installed_dictionary(dictionary_copy: Path) -> None:
    header = check_dictionary(find_dictionary())
    # As left-id.def and right-id.def count them.
    counts = [
        len((dictionary_copy / name).read_text(encoding="utf-8").splitlines())
        for name in ("right-id.def", "left-id.def")
    ]
    assert header.contexts == tuple(counts)
    assert header.words == 816_283


def _truncate(folder: Path) -> None:
    system = (folder / "sys.dic").resolve().read_bytes()
    (folder / "sys.dic").unlink()
    (folder / "sys.dic").write_bytes(system[:5_000_000])


def _junk(folder: Path) -> None:
    (folder / "sys.dic").unlink()
    (folder / "sys.dic").write_bytes(b"junk")


def _other_version(folder: Path) -> None:
    content = bytearray((folder / "unk.dic").read_bytes())
    struct.pack_into("<I", content, 4, 101)
    (folder / "unk.dic").write_bytes(content)


def _other_charset(folder: Path) -> None:
    content = bytearray((folder / "unk.dic").read_bytes())
    content[40:72] = b"EUC-KR".ljust(32, b"\0")
    (folder / "unk.dic").write_bytes(content)


def _other_matrix(folder: Path) -> None:
    (folder / "matrix.bin").unlink()
    (folder / "matrix.bin").write_bytes(struct.pack("<2H", 2, 3) + bytes(12))


def _cut_matrix(folder: Path) -> None:
    matrix = (folder / "matrix.bin").read_bytes()
    (folder / "matrix.bin").unlink()
    (folder / "matrix.bin").write_bytes(matrix[:1000])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_junk, r"sys\.dic is no compiled MeCab dictionary: 4 bytes"),
        (_truncate, r"sys\.dic is no compiled MeCab dictionary, or truncated or damaged \(5000000 bytes\)"),
        (_other_version, r"unk\.dic has the format version 101; MeCab reads version 102"),
        (_other_charset, r"unk\.dic has the charset 'EUC-KR'"),
        (_other_matrix, "belong to different dictionaries"),
        (_cut_matrix, r"matrix\.bin is damaged"),
    ],
)
def test_a_damaged_dictionary_is_refused(dictionary_copy: Path, damage: Callable[[Path], None], message: str) -> None:
    damage(dictionary_copy)
    with pytest.raises(DependencyError, match=message):
        SharedAnalyser("mecab", str(dictionary_copy)).open()


@pytest.mark.parametrize("name", dictionaries._FILES)
def test_a_missing_file_is_named(dictionary_copy: Path, name: str) -> None:
    (dictionary_copy / name).unlink()
    with pytest.raises(DependencyError, match=f"no {name}"):
        SharedAnalyser("mecab", str(dictionary_copy)).open()


@pytest.mark.parametrize("name", ["sys.dic", "matrix.bin", "dicrc"])
def test_one_changed_cost_makes_another_dictionary(dictionary_copy: Path, name: str) -> None:
    assert dictionary_identity(str(dictionary_copy)) == dictionary_identity()
    content = bytearray((dictionary_copy / name).read_bytes())
    content[-40] ^= 1
    (dictionary_copy / name).unlink()
    (dictionary_copy / name).write_bytes(content)
    assert dictionary_identity(str(dictionary_copy)) != dictionary_identity()
