from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from korscideberta.data.encoding import EncodedExample, EncodedExamples
from korscideberta.data.examples import Example
from korscideberta.data.features import SequenceFeatures
from korscideberta.data.limits import Limits
from korscideberta.data.long_texts import CutExamples, encode_texts
from korscideberta.errors import ConfigError
from korscideberta.tokenization import DebertaV2Tokenizer, train_tokenizer
from korscideberta.tokenization.encoded_rows import EncodedRows, with_special_tokens
from korscideberta.tokenization.ragged import Ragged

CLS, SEP = 1, 2
LENGTHS = st.lists(st.tuples(st.integers(0, 40), st.none() | st.integers(0, 40)), min_size=1, max_size=4)


def rows(lengths: list[tuple[int, int | None]], max_length: int | None) -> EncodedRows:
    """Texts of so many ids, each of which tells its text and its place: 1007 is the seventh of a first text."""
    return with_special_tokens(
        Ragged.of([range(1000, 1000 + first) for first, _ in lengths]),
        Ragged.of([range(2000, 2000 + second) for _, second in lengths if second is not None]),
        np.array([second is not None for _, second in lengths]),
        cls_id=CLS,
        sep_id=SEP,
        max_length=max_length,
    )


def whole(lengths: list[tuple[int, int | None]]) -> EncodedExamples:
    return EncodedExamples(rows(lengths, None), [(number,) for number in range(len(lengths))])


def parts(example: EncodedExample) -> tuple[list[int], list[int]]:
    """The places of the first and the second text that a feature holds, of one whose specials are in place."""
    ids, types = example.input_ids, example.token_type_ids
    begin = types.count(0)
    assert (ids[0], ids[begin - 1], ids[-1]) == (CLS, SEP, SEP)
    assert types == (0,) * begin + (1,) * (len(ids) - begin)
    return [one - 1000 for one in ids[1 : begin - 1]], [one - 2000 for one in ids[begin:-1]]


@settings(max_examples=50, deadline=None)
@given(LENGTHS, st.integers(4, 50))
def test_truncation_is_the_tokenizers(lengths: list[tuple[int, int | None]], max_length: int) -> None:
    expected = EncodedExamples(rows(lengths, max_length), [(number,) for number in range(len(lengths))])
    found = CutExamples(whole(lengths), Limits(max_length=max_length))
    assert list(found) == list(expected)
    assert found.lengths == expected.lengths
    assert list(found.owners) == list(range(len(lengths)))


@settings(max_examples=50, deadline=None)
@given(LENGTHS, st.integers(5, 50), st.integers(1, 30))
def test_windows_leave_nothing_of_the_first_text_out(
    lengths: list[tuple[int, int | None]], max_length: int, doc_stride: int
) -> None:
    found = CutExamples(whole(lengths), Limits(max_length=max_length, long="windows", doc_stride=doc_stride))
    assert [len(example.input_ids) for example in found] == list(found.lengths)
    assert max(found.lengths) <= max_length
    assert [example.gold for example in found] == [(owner,) for owner in found.owners]
    for text, (first, second) in enumerate(lengths):
        windows = [parts(found[feature]) for feature, owner in enumerate(found.owners) if owner == text]
        assert sorted({place for places, _ in windows for place in places}) == list(range(first))
        assert all(places == list(range(places[0], places[-1] + 1)) for places, _ in windows if places)
        steps = [after[0][0] - before[0][0] for before, after in pairwise(windows)]
        assert len(set(steps)) <= 1
        assert not steps or steps[0] == min(doc_stride, len(windows[0][0]))
        kept = {tuple(others) for _, others in windows}
        assert len(kept) == 1
        (others,) = kept
        assert others == tuple(range(len(others)))
        if second is not None and first + second <= max_length - 3:
            assert len(windows) == 1
        assert len(others) >= min(second or 0, (max_length - 3) // 2)


def test_windows_are_those_of_the_tokenizer(tmp_path: Path) -> None:
    text = "이산화티타늄의 결정 구조를 확인하였다. 그 결과 아나타제상이 많았다. " * 3
    tokenizer: DebertaV2Tokenizer = train_tokenizer([text], tmp_path, vocab_size=60, character_coverage=1.0)
    examples = [Example(id="1", text=text), Example(id="2", text="결정 구조")]
    limits = Limits(max_length=20, long="windows", doc_stride=8)
    found = encode_texts(examples, tokenizer, None, limits, cache=tmp_path / "cache")
    expected = tokenizer(
        [example.text for example in examples], truncation=True, max_length=20, stride=10,
        return_overflowing_tokens=True,
    )  # fmt: skip
    assert [list(example.input_ids) for example in found] == expected["input_ids"]
    assert list(found.owners) == expected["overflow_to_sample_mapping"]
    assert found.cut == type(found.cut)(texts=2, long=1, windows=len(found) - 1)
    # The texts are kept whole: other limits need not encode them again.
    encode_texts(examples, tokenizer, None, Limits(max_length=9, long="head-tail"), cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_head_and_tail_are_those_of_sun_et_al() -> None:
    (single,) = CutExamples(whole([(1000, None)]), Limits(max_length=512, long="head-tail"))
    assert parts(single) == ([*range(128), *range(1000 - 382, 1000)], [])
    pair, short = CutExamples(whole([(30, 6), (5, 2)]), Limits(max_length=23, long="head-tail"))
    assert parts(pair) == ([0, 1, 2, *range(19, 30)], list(range(6)))
    assert parts(short) == (list(range(5)), [0, 1])


def test_logits_are_pooled_by_what_each_window_adds() -> None:
    limits = Limits(max_length=12, long="windows", doc_stride=6)
    features = SequenceFeatures(CutExamples(whole([(3, None), (24, None), (10, None)]), limits))
    assert list(features.owners) == [0, 1, 1, 1, 1, 2]
    logits = np.array([[0.1], [1], [2], [3], [4], [0.7]], dtype=np.float32)
    expected = [0.1, (10 * 1 + 6 * 2 + 6 * 3 + 2 * 4) / 24, 0.7]
    assert features.pooled(logits)[:, 0].tolist() == pytest.approx(expected)
    assert features.pooled(logits)[0, 0] == logits[0, 0]
    assert (features.cut.texts, features.cut.long, features.cut.windows) == (3, 1, 4)


def test_windows_have_the_targets_of_their_text() -> None:
    cut = CutExamples(whole([(3, None), (24, 5), (10, None)]), Limits(max_length=16, long="windows", doc_stride=6))
    features = SequenceFeatures(cut, lambda texts: torch.tensor([[10.0 * text] for text in texts]))
    indices = list(range(len(features)))[::-1]
    batch = features.batch(indices)
    assert batch.targets is not None
    assert batch.targets[:, 0].tolist() == [10.0 * features.owners[i] for i in indices]
    assert len(features) > 3
    assert cut[-2] == cut[len(cut) - 2]
    assert cut[1:3] == [cut[1], cut[2]]


def test_no_room() -> None:
    with pytest.raises(ConfigError, match="--max-length 2: leaves no room"):
        CutExamples(whole([(5, None)]), Limits(max_length=2, long="windows"))
    with pytest.raises(ConfigError, match="--long windos: did you mean 'windows'"):
        Limits(max_length=2, long="windos")
