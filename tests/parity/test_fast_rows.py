"""Rows, windows and masks against a fast tokenizer of transformers that cuts texts into the same ids."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import transformers
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from korscideberta.errors import ConfigError, DataError
from korscideberta.tokenization import BatchEncoding, DebertaV2Tokenizer, train_tokenizer
from korscideberta.tokenization.truncation import kept_lengths, windows

WORDS = ["촉매", "나노입자를", "합성하였다", "x", "광촉매의", "특성"]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=5), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> DebertaV2Tokenizer:
    folder = tmp_path_factory.mktemp("rows")
    return train_tokenizer([" ".join(WORDS), *WORDS], folder, vocab_size=45, engine="none", character_coverage=1.0)


@pytest.fixture(scope="module")
def fast(ours: DebertaV2Tokenizer) -> Any:
    """A tokenizer whose words are the ids of ours: the text "t7 t9" has the ids 7 and 9."""
    names = {f"t{index}": index for index in range(5, len(ours))}
    specials = {token: ours.convert_tokens_to_ids(token) for token in ours.all_special_tokens}
    backend = Tokenizer(models.WordLevel({**specials, **names}, unk_token=ours.unk_token))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, specials[token]) for token in ("[CLS]", "[SEP]")],
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        **{f"{role}_token": f"[{role.upper()}]" for role in ("cls", "sep", "pad", "unk")},
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def translated(ours: DebertaV2Tokenizer, words: list[str]) -> list[str]:
    return [" ".join(f"t{index}" for index in ours.encode(word, add_special_tokens=False)) for word in words]


@settings(deadline=None, max_examples=150)
@given(
    firsts=TEXTS,
    seconds=st.one_of(st.none(), TEXTS),
    room=st.integers(1, 24),
    stride=st.integers(0, 5),
    truncation=st.sampled_from(["longest_first", "only_first", "only_second"]),
    overflow=st.booleans(),
    specials=st.booleans(),
    padding=st.sampled_from([False, "longest", "max_length"]),
    side=st.sampled_from(["left", "right"]),
    single=st.booleans(),
)
def test_rows_equal_those_of_a_fast_tokenizer(
    ours: DebertaV2Tokenizer,
    fast: Any,
    firsts: Any,
    seconds: Any,
    room: int,
    stride: int,
    truncation: str,
    overflow: bool,
    specials: bool,
    padding: Any,
    side: str,
    single: bool,
) -> None:
    if seconds is not None:
        count = min(len(firsts), len(seconds))
        firsts, seconds = firsts[:count], seconds[:count]
    else:
        assume(truncation != "only_second")
    stride = stride if overflow else 0
    if single:
        firsts, seconds = firsts[0], None if seconds is None else seconds[0]
        # They take a second text of no words for none at all.
        assume(seconds != [])
    length = room + (0 if not specials else 2 if seconds is None else 3)
    # They count two special tokens even where none are added.
    assume(stride == 0 or stride < min(room, length - 2))
    options: dict[str, Any] = {
        "truncation": truncation,
        "max_length": length,
        "stride": stride,
        "return_overflowing_tokens": overflow,
        "add_special_tokens": specials,
        "is_split_into_words": True,
        "padding": padding,
        "padding_side": side,
        "return_special_tokens_mask": True,
    }

    def both(texts: Any) -> Any:
        return texts if texts is None else translated(ours, texts) if single else [translated(ours, t) for t in texts]

    try:
        row = ours(firsts, seconds, **options)
    except (ConfigError, DataError) as refusal:
        error = refusal
    else:
        error = None
    if isinstance(error, DataError):
        with pytest.raises(Exception, match="too short"):
            fast(both(firsts), both(seconds), **options)
        return
    if error is not None:
        # Theirs panics here, which ends the thread.
        assert f"stride={stride} leaves nothing new" in str(error)
        return
    wanted = fast(both(firsts), both(seconds), **options)
    assert dict(row) == dict(wanted)
    for index in range(1 if single and not overflow else len(row.input_ids)):
        assert row.sequence_ids(index) == wanted.sequence_ids(index)
        assert row.word_ids(index) == wanted.word_ids(index)


@given(first=st.integers(0, 60), second=st.integers(0, 60), room=st.integers(0, 80))
def test_longest_first_fills_the_room_evenly(first: int, second: int, room: int) -> None:
    left, right = kept_lengths(first, second, room, "longest_first")
    assert left <= first
    assert right <= second
    assert left + right == min(first + second, room)
    # A text is shortened to less than the other only where they share the odd token.
    assert left == first or left >= right - 1
    assert right == second or right >= left - 1


@given(length=st.integers(0, 200), kept=st.integers(1, 50), stride=st.integers(0, 49))
def test_windows_cover_everything_with_the_stride_repeated(length: int, kept: int, stride: int) -> None:
    assume(stride < kept)
    found = windows(length, kept, stride)
    assert found[0][0] == 0
    assert found[-1][1] == length
    assert all(end - start <= kept for start, end in found)
    assert all(end - start == stride for (_, end), (start, _) in itertools.pairwise(found))
    assert [end for _, end in found[:-1]] == [start + kept for start, _ in found[:-1]]


@pytest.fixture
def rows(ours: DebertaV2Tokenizer) -> list[BatchEncoding]:
    return [ours(text, return_special_tokens_mask=True) for text in ("촉매 특성", "x", "나노입자를 합성하였다 x x")]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("tensors", [None, "np", "pt"])
@pytest.mark.parametrize("multiple", [None, 8])
def test_pad_equals_transformers(
    ours: DebertaV2Tokenizer, fast: Any, rows: Any, side: str, tensors: Any, multiple: int | None
) -> None:
    options: dict[str, Any] = {"pad_to_multiple_of": multiple, "padding_side": side, "return_tensors": tensors}
    wanted = fast.pad([dict(row) for row in rows], **options)
    padded = ours.pad(rows, **options)
    assert list(padded) == list(wanted)
    for key in padded:
        assert _plain(padded[key]) == _plain(wanted[key])
        assert type(padded[key]) is type(wanted[key])


def test_pad_of_one_row(ours: DebertaV2Tokenizer, fast: Any, rows: Any) -> None:
    for options in ({"padding": "max_length", "max_length": 20}, {"pad_to_multiple_of": 16}, {}):
        assert dict(ours.pad(rows[0], **options)) == dict(fast.pad(dict(rows[0]), **options))


def test_inputs_and_masks(ours: DebertaV2Tokenizer) -> None:
    first, second = ([7, 8, 9], [10, 11])
    assert ours.build_inputs_with_special_tokens(first) == [1, 7, 8, 9, 2]
    assert ours.build_inputs_with_special_tokens(first, second) == [1, 7, 8, 9, 2, 10, 11, 2]
    for pair in ((first,), (first, second)):
        row = ours.build_inputs_with_special_tokens(*pair)
        assert ours.get_special_tokens_mask(*pair) == ours.get_special_tokens_mask(row, already_has_special_tokens=True)
    with pytest.raises(DataError, match="token_ids_0 alone"):
        ours.get_special_tokens_mask(first, second, already_has_special_tokens=True)


def _plain(column: Any) -> Any:
    return column.tolist() if hasattr(column, "tolist") else column
