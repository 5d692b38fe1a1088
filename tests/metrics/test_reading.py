from __future__ import annotations

import json
import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from korscideberta.metrics import reading

OFFICIAL = json.loads((Path(__file__).parent.parent / "fixtures" / "metrics" / "reading.json").read_text("utf-8"))
JUDGES = {judge.__name__: judge for judge in (reading.squad, reading.squad2, reading.korquad, reading.klue_mrc)}

texts = st.text(alphabet="a tThe가나 은.'《》()-" + string.punctuation, max_size=12)


@pytest.mark.parametrize("name", JUDGES)
def test_scores_are_those_of_the_official_script(name):
    cases = [case for case in OFFICIAL["answers"] if name in case["expected"]]
    assert len(cases) > 40
    for case in cases:
        assert JUDGES[name](case["answer"], case["gold"]) == pytest.approx(case["expected"][name], abs=1e-12), case


@pytest.mark.parametrize("case", OFFICIAL["thresholds"], ids=lambda case: str(len(case["scores"])))
def test_thresholds_are_those_of_the_official_script(case):
    threshold, best = reading.best_threshold(case["scores"], case["no_answer"], case["answerable"])
    assert best == pytest.approx(case["best"], abs=1e-12)
    if case["threshold"] == 0.0:  # the script's word for answering nothing
        assert threshold < min(case["no_answer"])
    else:
        assert threshold == case["threshold"]


def test_worked_examples():
    assert reading.squad("the Cats", ["a cats!"]) == {"em": 1.0, "f1": 1.0}
    assert reading.squad("black cat", ["cat", "dog"]) == {"em": 0.0, "f1": pytest.approx(2 / 3)}
    # 서울의 against 서울: 2 of 3 characters, 2 of 2.
    assert reading.korquad("서울의", ["서울"]) == {"em": 0.0, "f1": pytest.approx(0.8)}
    assert reading.korquad("《토지》", ["토지"])["em"] == 1.0
    assert reading.klue_mrc("《토지》", ["토지"])["em"] == 0.0
    # The longest run is 서울, not 서울 and 시 together.
    assert reading.klue_mrc("서울시", ["서울 시"])["rouge_w"] == pytest.approx(2 * 2 / 7)
    for judge in (reading.squad2, reading.klue_mrc):
        assert set(judge("", []).values()) == {1.0}
        assert set(judge("가", []).values()) == {0.0}


@pytest.mark.parametrize("name", JUDGES)
@given(answer=texts, gold=st.lists(texts, min_size=1, max_size=3))
def test_a_match_scores_one_and_another_gold_answer_never_hurts(name, answer, gold):
    judge = JUDGES[name]
    scores = judge(answer, gold)
    em, similarity = scores.values()
    assert em in (0.0, 1.0)
    assert 0 <= similarity <= 1
    if em and name in ("squad2", "klue_mrc"):
        assert similarity == 1.0
    for value, before in zip(judge(answer, [*gold, "고양이"]).values(), judge(answer, gold).values(), strict=True):
        assert value >= before or (name == "squad2" and not any(map(reading.normalise_english, gold)))
    # Answers in another order or upper case are the same answers.
    assert judge(answer.upper(), gold[::-1]) == scores


def longest_run(one, other):
    return max((b - a for a in range(len(one)) for b in range(a + 1, len(one) + 1) if one[a:b] in other), default=0)


@given(st.text(alphabet="가나 다", max_size=9), st.text(alphabet="가나 다", min_size=1, max_size=9))
def test_longest_run(answer, gold):
    expected = 2 * longest_run(answer, gold) / (len(answer) + len(gold))
    assert reading.longest_run_f1(answer, gold) == pytest.approx(expected)


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(-3, 3), st.booleans()), min_size=1, max_size=9
    )
)  # fmt: skip
def test_no_threshold_is_better(rows):
    scores, no_answer, answerable = ([row[i] for row in rows] for i in range(3))
    scores = [score / 4 if known else float(score == 4) for score, known in zip(scores, answerable, strict=True)]

    def mean(threshold):
        given = [
            float(not known) if speaks > threshold else score
            for score, speaks, known in zip(scores, no_answer, answerable, strict=True)
        ]
        return sum(given) / len(given)

    threshold, best = reading.best_threshold(scores, no_answer, answerable)
    assert mean(threshold) == pytest.approx(best)
    assert best == pytest.approx(max(map(mean, range(-4, 4))))


def test_means():
    answers, gold = ["서울", "", "가", ""], [["서울"], [], [], ["나"]]
    scores = reading.question_scores(reading.squad2, answers, gold)
    assert scores["em"].tolist() == [1, 1, 0, 0]
    assert reading.means(scores) == {"em": 0.5, "f1": 0.5}
    answerable = np.array([True, False, False, True])
    assert reading.means_by_answerable(scores, answerable) == {
        "em": 0.5, "f1": 0.5, "em_has_answer": 0.5, "f1_has_answer": 0.5, "em_no_answer": 0.5, "f1_no_answer": 0.5,
    }  # fmt: skip
    known = reading.question_scores(reading.squad2, ["가"], [["가"]])
    assert reading.means_by_answerable(known, np.array([True])) == {
        "em": 1.0, "f1": 1.0, "em_has_answer": 1.0, "f1_has_answer": 1.0,
    }  # fmt: skip
    with pytest.raises(ValueError, match="2 answers to 1 questions"):
        reading.question_scores(reading.squad, ["가", "나"], [["가"]])
