from __future__ import annotations

import logging
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from korscideberta.data.answers import Answers, Candidate, answer_question, best_spans
from korscideberta.data.features import Limits
from korscideberta.data.questions import Question
from korscideberta.data.windows import Context, Window, encode_questions, target
from korscideberta.errors import DataError
from korscideberta.tokenization import DebertaV2Tokenizer, train_tokenizer

CONTEXT = (
    "1989년 2월 15일 “촉매”를 제조하였다. 나노 입자는 pH 7.4에서 합성된다.  한\u3000편 ﬁlm 두께는 12㎚이고 "
    "이산화티타늄의 결정 구조를 X선으로 확인하였다.\n그 결과 아나타제상이 87 %였다."
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> DebertaV2Tokenizer:
    texts = [CONTEXT, "무엇을 제조하였나?", "결정 구조는?"]
    return train_tokenizer(texts, tmp_path_factory.mktemp("tokenizer"), vocab_size=130, character_coverage=1.0)


def question(*answers: str, asked: str = "무엇을 제조하였나?", context: str = CONTEXT, **other) -> Question:
    spans = tuple((start, start + len(text)) for text in answers for start in (context.index(text),))
    return Question(id="1", origin="a.json: question 1", question=asked, context=context, answers=spans, **other)


def encode(questions, tokenizer, *, max_length=40, doc_stride=10, labelled=True):
    limits = Limits(max_length=max_length, doc_stride=doc_stride)
    return encode_questions(questions, tokenizer, limits, labelled=labelled)


@pytest.mark.parametrize(("max_length", "doc_stride"), [(40, 10), (31, 1), (60, 45), (512, 128)])
def test_windows_are_the_tokenizers(tokenizer, max_length, doc_stride):
    asked = question()
    features = encode([asked], tokenizer, max_length=max_length, doc_stride=doc_stride)
    room = max_length - len(tokenizer(asked.question)["input_ids"]) - 1
    rows = tokenizer(
        [asked.question], [CONTEXT], truncation="only_second", max_length=max_length,
        stride=max(0, room - doc_stride) if len(features) > 1 else 0, return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )  # fmt: skip
    assert len(features) == len(rows["input_ids"])
    assert (len(features) == 1) == (max_length == 512)
    assert list(features.lengths) == [len(row) for row in rows["input_ids"]]
    batch = features.batch(range(len(features)))
    assert batch.input_ids.tolist() == [one for row in rows["input_ids"] for one in row]
    assert batch.token_type_ids.tolist() == [one for row in rows["token_type_ids"] for one in row]
    assert batch.starts.tolist() == [0, *np.cumsum(features.lengths)[:-1]]
    for window, offsets in zip(features.windows, rows["offset_mapping"], strict=True):
        spans = features.contexts[0].spans[window.start : window.end].tolist()
        assert [tuple(span) for span in spans] == offsets[window.offset : -1]


def test_questions_about_one_text_share_its_pieces(tokenizer):
    features = encode([question(), question(asked="결정 구조는?"), question(context="촉매는 없다.")], tokenizer)
    assert features.contexts[0] is features.contexts[1]
    assert features.owners == sorted(features.owners)
    assert set(features.owners) == {0, 1, 2}


@pytest.mark.parametrize("answer", ["1989년 2월 15일", "촉매", "7.4", "12㎚", "이산화티타늄", "X선", "87 %", "ﬁlm"])
def test_gold_answers_are_found_again(tokenizer, answer):
    """A model that points at the gold pieces answers with the gold text."""
    asked = question(answer)
    features = encode([asked], tokenizer)
    targets = features.batch(range(len(features))).targets.tolist()
    held = [place for place in targets if place != [0, 0]]
    assert held
    logits = []
    for window, length, (first, last) in zip(features.windows, features.lengths, targets, strict=True):
        logits_L2 = np.zeros((length, 2), dtype=np.float32)
        logits_L2[first, 0] = logits_L2[last, 1] = 5
        logits.append((window, logits_L2))
    answers = answer_question(asked, features.contexts[0], logits, count=3, most_pieces=20)
    assert answers.best[0].text == answer
    assert (answers.best[0].start, answers.best[0].end) == asked.answers[0]
    assert answers.best[0].score == 10
    # Windows that do not hold the answer point at [CLS]; one that does not is enough.
    assert answers.none == 0
    assert len({candidate.text for candidate in answers.best}) == 3


def test_an_answer_ends_where_its_last_piece_does(tokenizer):
    """The pieces that have a part of the answer, whole."""
    context = encode([question()], tokenizer).contexts[0]
    for start, end in ((CONTEXT.index("ﬁ"), CONTEXT.index("ﬁ") + 1), (0, len(CONTEXT)), (0, 1)):
        first, last = context.places((start, end))
        assert context.spans[first, 0] <= start < end <= context.spans[last, 1]
        assert first == 0 or context.spans[first - 1, 1] <= start
    assert context.places((len(CONTEXT) + 5, len(CONTEXT) + 9)) is None


def test_a_second_time_contexts_are_read_from_the_cache(tokenizer, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    asked = [question("촉매"), question(context="촉매는 없다."), question("87 %")]
    limits = Limits(max_length=40, doc_stride=10)
    plain = encode(asked, tokenizer)
    first = encode_questions(asked, tokenizer, limits, labelled=True, cache=tmp_path, workers=2)
    assert "2 contexts encoded and kept" in caplog.text
    monkeypatch.setattr(DebertaV2Tokenizer, "__call__", None)
    second = encode_questions(asked, tokenizer, limits, labelled=True, cache=tmp_path)
    assert "2 encoded contexts read from" in caplog.text
    expected = plain.batch(range(len(plain)))
    for found in (first, second):
        batch = found.batch(range(len(found)))
        assert torch.equal(batch.input_ids, expected.input_ids)
        assert torch.equal(batch.targets, expected.targets)
        for one, other in zip(found.contexts, plain.contexts, strict=True):
            assert np.array_equal(one.spans, other.spans)


def test_a_gap_is_the_mask(tokenizer):
    features = encode([question(asked="@placeholder를 제조하였나?")], tokenizer)
    ids = features.batch([0]).input_ids.tolist()
    rest = tokenizer("를 제조하였나?", add_special_tokens=False)["input_ids"]
    assert ids[: len(rest) + 3] == [tokenizer.cls_token_id, tokenizer.mask_token_id, *rest, tokenizer.sep_token_id]


def test_targets_take_the_first_answer_the_window_holds_whole():
    window = Window(question=0, start=10, end=20, offset=5)
    assert target([(9, 12), (12, 20), (19, 19), (10, 10)], window) == (14, 14)
    assert target([(10, 19)], window) == (5, 14)
    assert target([], window) == (0, 0)


def test_without_labels_there_are_no_targets(tokenizer):
    assert encode([question("촉매")], tokenizer, labelled=False).batch([0]).targets is None
    impossible = encode([question(impossible=True)], tokenizer)
    assert impossible.batch(range(len(impossible))).targets.unique().tolist() == [0]


@pytest.mark.parametrize(("max_length", "doc_stride"), [(40, 39), (12, 10), (3, 1), (8, 128)])
def test_a_question_too_long_for_the_window(tokenizer, max_length, doc_stride):
    asked = question(asked="무엇을 제조하였나? " * 3)
    count = len(tokenizer(asked.question)["input_ids"]) - 2
    with pytest.raises(DataError, match=re.escape("a.json: question 1: the question has")) as caught:
        encode([asked], tokenizer, max_length=max_length, doc_stride=doc_stride)
    assert f"has {count} tokens; windows of {max_length} leave {max(0, max_length - count - 3)}" in str(caught.value)
    assert "--doc-stride" in str(caught.value)


def test_a_short_context_needs_no_room_for_a_stride(tokenizer):
    short = question(context="촉매")
    length = len(tokenizer(short.question, short.context)["input_ids"])
    assert len(encode([short], tokenizer, max_length=length, doc_stride=128)) == 1
    with pytest.raises(DataError, match="are needed"):
        encode([short], tokenizer, max_length=length - 1, doc_stride=128)


@st.composite
def windows_of_logits(draw):
    count = draw(st.integers(1, 7))
    sizes = draw(
        st.lists(st.integers(0, 2), min_size=count, max_size=count)
    )  # an empty span is a piece of no character
    ends = np.cumsum(sizes)
    logits = draw(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=count, max_size=count))
    return np.array(logits, dtype=float), np.column_stack([ends - sizes, ends]).astype(np.int32)


@given(windows_of_logits(), st.integers(1, 6), st.integers(1, 8))
def test_best_spans_are_the_best_of_all(problem, count, most):
    logits, spans = problem
    pairs = [(i, j) for i in range(len(logits)) for j in range(i, min(len(logits), i + most))]
    scores = sorted(
        (logits[i, 0] + logits[j, 1] for i, j in pairs if spans[i, 0] < spans[i, 1] and spans[j, 0] < spans[j, 1]),
        reverse=True,
    )
    found = best_spans(logits, spans, count, most)
    assert sorted((score for _, score in found), reverse=True) == scores[:count]
    for (start, end), score in found:
        assert any(
            (spans[i, 0], spans[j, 1]) == (start, end) and logits[i, 0] + logits[j, 1] == score for i, j in pairs
        )


def test_candidates_restrict_the_answers(tokenizer):
    """Only entities can answer; one that stands in two windows, or twice in the text, is one answer at its best."""
    spans = tuple(match.span() for match in re.finditer("촉매|나노|12㎚", CONTEXT + " 촉매"))
    asked = question(context=CONTEXT + " 촉매", candidates=spans)
    features = encode([asked], tokenizer, labelled=False)
    random = np.random.default_rng(0)
    logits = [
        (window, random.normal(size=(length, 2)).astype(np.float32))
        for window, length in zip(features.windows, features.lengths, strict=True)
    ]
    answers = answer_question(asked, features.contexts[0], logits, count=9, most_pieces=1)
    assert sorted(candidate.text for candidate in answers.best) == ["12㎚", "나노", "촉매"]
    assert all((candidate.start, candidate.end) in spans for candidate in answers.best)
    scores = []
    for window, logits_L2 in logits:
        for span in (span for span in spans if asked.context[slice(*span)] == "촉매"):
            first, last = features.contexts[0].places(span)
            if window.start <= first and last < window.end:
                move = window.offset - window.start
                scores.append(logits_L2[first + move, 0] + logits_L2[last + move, 1])
    (catalyst,) = (candidate for candidate in answers.best if candidate.text == "촉매")
    assert catalyst.score == pytest.approx(max(scores), abs=1e-6)


def test_probabilities():
    best = tuple(Candidate("가", 0, 1, score) for score in (2.0, 1.0))
    answers = Answers(best, none=3.0)
    assert answers.no_answer == 1.0
    shares, none = answers.probabilities(with_none=True)
    assert sum(shares) + none == pytest.approx(1)
    assert shares[0] / shares[1] == pytest.approx(np.e)
    assert none / shares[0] == pytest.approx(np.e)
    assert sum(answers.probabilities(with_none=False)[0]) == pytest.approx(1)
    nothing = Answers((), none=3.0)
    assert nothing.probabilities(with_none=False) == ([], 1.0)
    assert nothing.no_answer > 1e30


def test_a_context_without_visible_characters():
    context = Context(np.zeros(2, dtype=np.int32), np.zeros((2, 2), dtype=np.int32))
    window = Window(0, 0, 2, 3)
    answers = answer_question(question(), context, [(window, np.zeros((6, 2), np.float32))], count=2, most_pieces=3)
    assert answers == Answers((), 0.0)
