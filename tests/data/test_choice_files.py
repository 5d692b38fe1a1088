from __future__ import annotations

import json
import re

import pytest

from korscideberta.data.choice_files import read_alphanli, read_copa, read_race
from korscideberta.errors import DataError

RACE = {
    "id": "high1.txt",
    "article": "Tom  went\nhome.",
    "questions": ["Tom went _ .", "Who?"],
    "options": [["home", "out", "up", "in"], ["Tom", "Ann", "Bob", ""]],
    "answers": ["A", "C"],
}
COPA = {"premise": "It rained.", "choice1": "The road was wet.", "choice2": "It was hot.", "question": "effect"}
STORY = {"story_id": "s1", "obs1": "He fell.", "obs2": "He was ill.", "hyp1": "He broke a leg.", "hyp2": "He sang."}


def write(path, *records):
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    return path


def test_race(tmp_path):
    path = write(tmp_path / "train_high.jsonl", RACE)
    first, second = read_race(path, labelled=True)
    assert (first.id, second.id) == ("high1.txt-0", "high1.txt-1")
    assert first.pairs[0] == ("Tom went home.", "Tom went _ . home")
    assert second.answers == ("Tom", "Ann", "Bob", "")
    assert (first.gold, second.gold) == (0, 2)
    unanswered = {name: value for name, value in RACE.items() if name != "answers"}
    assert [choice.gold for choice in read_race(write(path, unanswered), labelled=False)] == [None, None]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answers": ["A"]}, "race.jsonl:1: 2 questions, 2 options, 1 answers; there must be as many of each"),
        ({"answers": ["A", "E"]}, "race.jsonl:1: question 1: answer is 'E'; use one of A, B, C, D"),
        ({"answers": ["A", "AB"]}, "answer is 'AB'"),
        ({"options": [["a", "b", "c", "d"], ["a", "b", "c"]]}, "question 1: a text and four options were expected"),
        ({"options": [["a", "b", "c", 4], ["a", "b", "c", "d"]]}, "question 0: a text and four options were expected"),
        ({"article": ""}, "race.jsonl:1: 'article' is empty"),
        ({"id": None}, "race.jsonl:1: 'id' must be str or int"),
    ],
)
def test_race_faults(tmp_path, change, message):
    with pytest.raises(DataError, match=re.escape(message)):
        read_race(write(tmp_path / "race.jsonl", RACE | change), labelled=True)


def test_race_ids_are_used_once(tmp_path):
    with pytest.raises(DataError, match=r"race.jsonl:2: id 'high1.txt' was already used at .*:1"):
        read_race(write(tmp_path / "race.jsonl", RACE, RACE), labelled=True)


def test_alphanli(tmp_path):
    path = write(tmp_path / "dev.jsonl", STORY, STORY)
    (tmp_path / "dev-labels.lst").write_text("1\n2\n")
    first, second = read_alphanli(path, labelled=True)
    assert (first.id, first.gold, second.id, second.gold) == ("1", 0, "2", 1)
    assert first.pairs == (("He fell. He was ill.", "He broke a leg."), ("He fell. He was ill.", "He sang."))
    (tmp_path / "dev-labels.lst").write_text("1\n")
    with pytest.raises(DataError, match=r"dev-labels.lst: 1 labels to the 2 lines of dev.jsonl"):
        read_alphanli(path, labelled=True)
    (tmp_path / "dev-labels.lst").write_text("1\n0\n")
    with pytest.raises(DataError, match=r"dev-labels.lst:2: label is '0'; use one of 1, 2"):
        read_alphanli(path, labelled=True)
    (tmp_path / "dev-labels.lst").unlink()
    with pytest.raises(DataError, match=r"dev-labels.lst: no such file"):
        read_alphanli(path, labelled=True)
    assert [choice.gold for choice in read_alphanli(path, labelled=False)] == [None, None]


def test_copa(tmp_path):
    cause = COPA | {"question": "cause", "idx": 1, "label": 1}
    effect, cause = read_copa(write(tmp_path / "val.jsonl", COPA | {"idx": 0, "label": 0}, cause), labelled=True)
    assert effect.pairs == (("It rained.", "The road was wet."), ("It rained.", "It was hot."))
    assert cause.pairs[1] == ("It was hot.", "It rained.")
    assert (effect.gold, cause.gold) == (0, 1)
    (test,) = read_copa(write(tmp_path / "test.jsonl", COPA | {"idx": 0}), labelled=False)
    assert test.gold is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": 2}, "copa.jsonl:1: label is 2; use one of 0, 1"),
        ({"label": True}, "'label' must be int or str, found bool"),
        ({"question": "why"}, "question is 'why'; use cause or effect"),
        ({"choice2": " "}, "copa.jsonl:1: 'choice2' is empty"),
    ],
)
def test_copa_faults(tmp_path, change, message):
    with pytest.raises(DataError, match=re.escape(message)):
        read_copa(write(tmp_path / "copa.jsonl", COPA | {"idx": 0, "label": 0} | change), labelled=True)


def test_files_without_a_line(tmp_path):
    for reader in (read_race, read_copa):
        with pytest.raises(DataError, match="empty"):
            reader(write(tmp_path / "a.jsonl"), labelled=True)
    (tmp_path / "a.jsonl").write_text("{")
    with pytest.raises(DataError, match=r"a.jsonl:1: not valid JSON"):
        read_copa(tmp_path / "a.jsonl", labelled=True)
