from __future__ import annotations

import json
import re

import pytest

from korscideberta.data.questions import read_squad
from korscideberta.errors import DataError

CONTEXT = "물은 0도에서 언다. 물은 100도에서 끓는다."


def qa(identity="1", answer="100도", start=15, **other):
    return {"id": identity, "question": "몇 도?", "answers": [{"text": answer, "answer_start": start}], **other}


def squad(*qas, context=CONTEXT, **other):
    return {"version": "1", "data": [{"title": "물", "paragraphs": [{"context": context, "qas": list(qas)}], **other}]}


def read(tmp_path, content, *, labelled=True, some_impossible=False):
    path = tmp_path / "squad.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return read_squad(path, labelled=labelled, some_impossible=some_impossible)


def test_squad_layout(tmp_path):
    both = [{"text": "100도", "answer_start": CONTEXT.index("100")}, {"text": "100", "answer_start": 15}]
    first, second = read(tmp_path, squad(qa("1") | {"answers": both}, qa("2", "언다", CONTEXT.index("언다"))))
    assert (first.id, first.question, first.context, first.title) == ("1", "몇 도?", CONTEXT, "물")
    assert first.gold == ("100도", "100")
    assert first.origin == f"{tmp_path / 'squad.json'}: question 1"
    assert second.gold == ("언다",)
    assert not second.impossible


def test_klue_layout(tmp_path):
    """KLUE-MRC names its ids guid and marks questions without an answer."""
    paragraphs = [{
        "context": CONTEXT,
        "qas": [
            {"guid": "klue-1", "question_type": 1, "is_impossible": False} | qa(),
            {"guid": "klue-2", "question_type": 3, "is_impossible": True} | qa() | {"answers": []},
        ],
    }]  # fmt: skip
    content = {"data": [{"title": "물", "source": "신문", "news_category": "과학", "paragraphs": paragraphs}]}
    known, impossible = read(tmp_path, content, some_impossible=True)
    assert (known.id, impossible.id) == ("klue-1", "klue-2")
    assert impossible.impossible
    assert impossible.gold == ()
    with pytest.raises(DataError, match="question klue-2: is_impossible is true"):
        read(tmp_path, content)


def test_answers_are_not_looked_at_without_labels(tmp_path):
    for answers in ([], "?", [{"text": "없는 말", "answer_start": 3}]):
        (question,) = read(tmp_path, squad(qa() | {"answers": answers, "is_impossible": 3}), labelled=False)
        assert question.answers == ()
    unanswered = qa()
    del unanswered["answers"]
    assert read(tmp_path, squad(unanswered), labelled=False)[0].question == "몇 도?"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", ": not valid JSON"),
        ([], 'no list under "data"'),
        ({"data": {}}, "'data' must be list, found dict"),
        ({"data": []}, "there are no questions"),
        ({"data": [3]}, "data[0]: an object with 'paragraphs' was expected, found int"),
        ({"data": [{"title": "물"}]}, "data[0]: no 'paragraphs'; there is 'title'"),
        (squad(qa(), context=" \n"), "data[0].paragraphs[0]: 'context' is empty"),
        (squad({"question": "몇?"}), "data[0].paragraphs[0].qas[0]: no 'id'"),
        (squad(qa(question=" ")), "question 1: 'question' is empty"),
        (squad(qa(), qa()), "qas[1]: id '1' was already used at"),
        (squad(qa(start=11)), "question 1: answer_start 11 of '100도': the context has ' 물은 ' there; it is at 15"),
        (squad(qa(answer="200도")), "it does not occur in the context"),
        (squad(qa(start=-4)), "answer_start -4"),
        (squad(qa(start=True)), "question 1: 'answer_start' must be int, found bool"),
        (squad(qa(start="15")), "'answer_start' must be int, found str"),
        (squad(qa(answer="")), "question 1: 'text' is empty"),
        (squad(qa() | {"answers": []}), "question 1: no answers; add one, or set is_impossible"),
        (squad(qa() | {"answers": None}), "question 1: 'answers' must be list, found NoneType"),
        (squad(qa(is_impossible="no")), "question 1: 'is_impossible' must be bool, found str"),
        (squad(qa(is_impossible=True)), "question 1: is_impossible is true, and yet there are answers"),
    ],
)
def test_faults(tmp_path, content, message):
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        read(tmp_path, content)
    assert str(caught.value).startswith(f"{tmp_path / 'squad.json'}")
    assert "\n" not in str(caught.value)


def test_korquad(shared):
    questions = read_squad(shared / "data" / "korquad" / "KorQuAD_v1.0_dev.json", labelled=True, some_impossible=False)
    assert len(questions) == 5774
    assert len({question.context for question in questions}) == 960  # of 964 paragraphs, some occur twice
    assert questions[0].gold == ("1989년 2월 15일",)
