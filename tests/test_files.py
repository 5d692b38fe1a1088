from __future__ import annotations

import hashlib

import pytest

from korscideberta.errors import DataError
from korscideberta.files import file_sha256, replacing, write_json


def test_a_block_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"가": 1})

    def half_written():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_written()
    assert path.read_text(encoding="utf-8") == '{\n  "가": 1\n}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        write_json(tmp_path / "file" / "a.json", {})


def test_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    assert file_sha256(tmp_path / "a") == hashlib.sha256(b"x" * 3_000_000).hexdigest()
