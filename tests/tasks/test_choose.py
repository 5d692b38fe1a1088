from __future__ import annotations

import json
import re

import pytest

from korscideberta.data.examples import Columns
from korscideberta.errors import ConfigError, DataError
from korscideberta.tasks.choices import read_choose

HEADER = "id,context,question,choice1,choice2,choice3,answer"


def table(tmp_path, *rows, header=HEADER, name="q.csv"):
    path = tmp_path / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_numbered_columns(tmp_path):
    path = table(
        tmp_path, "a,물은 액체다.,무엇인가?,고체,액체,기체,액체", "b,,무엇인가?,고체,액체,,A", "c,글,?,1,2,0,2"
    )
    first, second, third = read_choose(path, None, None, True)
    assert first.pairs[1] == ("물은 액체다.", "무엇인가? 액체")
    assert (first.id, first.answers, first.gold) == ("a", ("고체", "액체", "기체"), 1)
    assert first.origin == f"{path}:2"
    # Without a context the question is the first text, and a row may have fewer choices than others.
    assert second.pairs == (("무엇인가?", "고체"), ("무엇인가?", "액체"))
    assert second.gold == 0
    # A text wins over a number.
    assert third.gold == 1
    assert [choice.gold for choice in read_choose(path, None, None, False)] == [None] * 3


def test_korean_headers(tmp_path):
    path = table(tmp_path, "물은 액체다.,무엇인가?,고체,액체,B", header="지문,질문,보기1,보기2,정답")
    (choice,) = read_choose(path, None, None, True)
    assert choice.pairs[0] == ("물은 액체다.", "무엇인가? 고체")
    assert choice.gold == 1


def test_swag(tmp_path):
    path = table(tmp_path, "그가,문을,연다,닫는다,1", header="sent1,sent2,ending0,ending1,label")
    columns = Columns(text=("sent1", "sent2"), text_pair="ending0, ending1", label="label")
    (choice,) = read_choose(path, columns, None, True)
    assert choice.pairs == (("그가", "문을 연다"), ("그가", "문을 닫는다"))
    assert (choice.id, choice.gold) == ("1", 1)


def test_choices_in_one_column(tmp_path):
    joined = table(tmp_path, "무엇?,물 | 불|흙,c", header="question,choices,answer")
    (choice,) = read_choose(joined, None, None, True)
    assert (choice.answers, choice.gold) == (("물", "불", "흙"), 2)
    record = {"question": "무엇?", "choices": ["a|b", "c"], "answer": "a|b", "split": "dev"}
    lines = tmp_path / "q.jsonl"
    lines.write_text(json.dumps(record) + "\n\n" + json.dumps(record | {"split": "test"}) + "\n", encoding="utf-8")
    (choice,) = read_choose(lines, None, "test", True)
    assert (choice.answers, choice.gold, choice.origin) == (("a|b", "c"), 0, f"{lines}:3")
    whole = tmp_path / "q.json"
    whole.write_text(json.dumps([record]), encoding="utf-8")
    assert read_choose(whole, None, None, True)[0].answers == ("a|b", "c")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a,글,?,1,2,3,물"], "q.csv:2: the answer is '물'; give the text of one of the choices, a letter up to C or"),
        (["a,글,?,가,나,다,3"], "the answer is '3'"),
        (["a,글,?,가,나,다,D"], "the answer is 'D'"),
        (["a,글,?,가,나,다,"], "the answer is ''"),
        (["a,글,?,가,가,다,가"], "the answer is '가'"),
        (["a,글,?,가,,다,0"], "q.csv:2: two or more choices are needed and none may be empty, found ['가', '', '다']"),
        (["a,글,?,가,,,0"], "two or more choices are needed"),
        (["a,,,가,나,다,0"], "no text in column 'context', 'question'"),
        (["a,글,?,가,나,다,0", "a,글,?,가,나,다,0"], "q.csv:3: id 'a' was already used at"),
        (["a,글,?,가,나,0"], "6 cells where the header has 7"),
    ],
)
def test_faults(tmp_path, rows, message):
    with pytest.raises(DataError, match=re.escape(message)):
        read_choose(table(tmp_path, *rows), None, None, True)


def test_columns_that_are_not_there(tmp_path):
    with pytest.raises(DataError, match="no column 'question'"):
        read_choose(table(tmp_path, "a,b", header="글,답"), None, None, True)
    with pytest.raises(DataError, match="no column 'choices'"):
        read_choose(table(tmp_path, "a,b", header="question,answer"), None, None, True)
    with pytest.raises(ConfigError, match="--text-pair is missing"):
        read_choose(table(tmp_path, "a,b", header="글,답"), Columns(text=("글",), label="답"), None, True)
    broken = tmp_path / "q.jsonl"
    broken.write_text('{"question": "?", "choices": ["가", 2], "answer": 0}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"q.jsonl:1: 'choices' must be texts"):
        read_choose(broken, None, None, True)
