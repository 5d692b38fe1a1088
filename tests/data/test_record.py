from __future__ import annotations

import json
import re

import pytest

from korscideberta.data.record import read_record
from korscideberta.errors import DataError

PASSAGE = "Curie studied radium in Paris.\n@highlight\nCurie won two prizes"


def span(text, start=0):
    start = PASSAGE.index(text, start)
    return {"start": start, "end": start + len(text) - 1}


ENTITIES = [span("Paris"), span("Curie"), span("Curie", 10), {"start": 7, "end": 6}]


def qa(identity=0, **other):
    answers = [{**span("Curie"), "text": "Curie"}, {**span("Curie", 10), "text": "Curie"}]
    return {"idx": identity, "query": "@placeholder discovered radium", "answers": answers, **other}


def line(*qas, entities=ENTITIES, text=PASSAGE):
    return {"source": "Daily mail", "passage": {"text": text, "entities": entities}, "qas": list(qas), "idx": 0}


def read(tmp_path, *lines, labelled=True):
    path = tmp_path / "val.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in lines) + "\n", encoding="utf-8")
    return read_record(path, labelled=labelled)


def test_layout(tmp_path):
    first, second = read(tmp_path, line(qa(0)), line(qa(1, answers=[{**span("Paris"), "text": "Paris"}])))
    assert (first.id, second.id) == ("0", "1")
    assert first.gold == ("Curie", "Curie")
    assert second.gold == ("Paris",)
    assert [PASSAGE[slice(*one)] for one in first.candidates] == ["Curie", "Paris", "Curie"]
    assert second.origin == f"{tmp_path / 'val.jsonl'}:2: query 1"
    assert read(tmp_path, line({"idx": 3, "query": "@placeholder won"}), labelled=False)[0].answers == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (line(qa(query="radium")), "query 0: @placeholder must stand in it once, found 0 times"),
        (line(qa(), entities=[]), "val.jsonl:1: the passage has no entities"),
        (line(qa(), qa()), "query 0: id '0' was already used"),
        (line(qa(answers=[])), "query 0: no answers"),
        (
            line(qa(answers=[{**span("Paris"), "text": "paris"}])),
            "the answer 'paris' is not what stands there: 'Paris'",
        ),
        (line(qa(answers=[{**span("two"), "text": "two"}])), "the answer 'two' at 52 is none of the entities"),
        (line(qa(), entities=[{"start": 3, "end": 300}]), "3 to 300 lies outside the passage of 62 characters"),
        (line(qa(), text=" "), "passage: 'text' is empty"),
        ({"qas": []}, "val.jsonl:1: no 'passage'"),
    ],
)
def test_faults(tmp_path, content, message):
    with pytest.raises(DataError, match=re.escape(message)):
        read(tmp_path, content)
