from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from korscideberta.errors import DataError
from korscideberta.tokenization import DebertaV2Tokenizer
from korscideberta.tokenization.verify import compare


@pytest.fixture
def rows(tokenizer: DebertaV2Tokenizer, corpus: list[str]) -> list[dict[str, Any]]:
    texts = [*corpus[:20], "", "처음 보는 낱말 鋁"]
    return [{"text": text, "input_ids": tokenizer.encode(text)} for text in texts]


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def test_rows_that_agree(tokenizer, rows, tmp_path):
    comparison = compare(tokenizer, write(tmp_path / "ids.jsonl", rows))
    assert (comparison.rows, comparison.agreeing, comparison.differences) == (22, 22, [])


def test_the_first_differences(tokenizer, rows, tmp_path):
    ids = rows[3]["input_ids"]
    ids[5] = tokenizer.pad_token_id
    rows[4]["input_ids"] = rows[4]["input_ids"][:-1]
    rows[6]["input_ids"] = [*rows[6]["input_ids"], 10**9]
    rows[7]["input_ids"] = []
    comparison = compare(tokenizer, write(tmp_path / "ids.jsonl", rows), show=3)
    assert (comparison.rows, comparison.agreeing, comparison.agreeing_otherwise) == (22, 18, 1)
    first, second, third = comparison.differences
    assert (first.line, first.text, first.position, first.start) == (4, rows[3]["text"], 5, 2)
    assert first.expected == tokenizer.convert_ids_to_tokens(ids[2:10])
    assert first.found == tokenizer.convert_ids_to_tokens(tokenizer.encode(first.text)[2:10])
    assert second.found[: len(second.expected)] == second.expected
    assert second.found[-1] == "[SEP]"
    assert third.expected[-1] == "(no piece 1000000000)"


def test_rows_without_special_tokens(tokenizer, rows, tmp_path):
    bare = [{**row, "input_ids": row["input_ids"][1:-1]} for row in rows]
    path = write(tmp_path / "ids.jsonl", bare)
    assert compare(tokenizer, path).agreeing_otherwise == 22
    assert compare(tokenizer, path, add_special_tokens=False).agreeing == 22


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "글"}, "'input_ids' is not a list of integers"),
        ({"text": "글", "input_ids": [[1, 2]]}, "'input_ids' is not a list of integers"),
        ({"text": "글", "input_ids": [1, True]}, "'input_ids' is not a list of integers"),
        ({"text": 3, "input_ids": []}, "'text' is 3"),
        (["글"], "a JSON object was expected, found list"),
    ],
)
def test_bad_rows(tokenizer, rows, tmp_path, row, message):
    path = write(tmp_path / "ids.jsonl", [rows[0], row])
    with pytest.raises(DataError) as caught:
        compare(tokenizer, path)
    assert str(caught.value).startswith(f"{path}:2: {message}")


def test_no_rows(tokenizer, tmp_path):
    with pytest.raises(DataError, match="no rows"):
        compare(tokenizer, write(tmp_path / "ids.jsonl", []))
