from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from korscideberta.data.bio import tags_of
from korscideberta.data.features import Limits
from korscideberta.data.tagged import TaggedText, whitespace_words
from korscideberta.data.tagged_files import column_lines, leaderboard_row
from korscideberta.data.token_features import IGNORED, TokenFeatures, align
from korscideberta.errors import ConfigError
from korscideberta.tokenization import train_tokenizer

SENTENCES = [
    f"{person} 교수는 {place}의 {body}에서 {year}년에 논문을 냈다."
    for person in ("김하늘", "이바다")
    for place in ("서울", "대전", "부산")
    for body in ("한국대학교", "과학기술원")
    for year in (1999, 2024)
]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return train_tokenizer(SENTENCES, tmp_path_factory.mktemp("tokenizer"), vocab_size=150)


def tagged(text, *entities, words=False):
    found = tuple((text.index(name), text.index(name) + len(name), label) for name, label in entities)
    return TaggedText(id="1", text=text, entities=found, words=whitespace_words(text) if words else None)


def test_pieces_speak_for_the_characters_they_stand_for(tokenizer):
    text = tagged(SENTENCES[0], ("김하늘", "PS"), ("한국대학교", "OG"), ("1999", "DT"))
    (pieces,) = align([text], tokenizer, "character")
    assert len(pieces.ids) == len(pieces.spans)
    spoken_for = [place for start, end in pieces.spans for place in range(start, end)]
    assert spoken_for == [place for place, character in enumerate(text.text) if character != " "]
    tags = tags_of(pieces.spans, text.entities)
    for name, label in (("김하늘", "PS"), ("한국대학교", "OG"), ("1999", "DT")):
        start = text.text.index(name)
        inside = [tag for (first, _), tag in zip(pieces.spans, tags, strict=True) if start <= first < start + len(name)]
        assert inside == [f"B-{label}", *[f"I-{label}"] * (len(inside) - 1)]


def test_first_pieces_speak_for_words(tokenizer):
    text = tagged(SENTENCES[0], ("김하늘 교수는", "PS"), words=True)
    (pieces,) = align([text], tokenizer, "word")
    assert [span for span in pieces.spans if span[0] < span[1]] == list(text.words)
    assert len(pieces.ids) > len(text.words)
    tags = tags_of(pieces.spans, text.entities)
    assert [tag for tag in tags if tag != "O"] == ["B-PS", "I-PS"]
    # A text without words of its own is split at white space.
    assert align([TaggedText(id="2", text=text.text)], tokenizer, "word") == [pieces]


def test_characters_that_several_pieces_share_belong_to_the_first(tokenizer):
    # The model has no piece for the rocket and spells it in bytes, or has [UNK] for it.
    (pieces,) = align([TaggedText(id="1", text="🚀서울")], tokenizer, "character")
    spoken_for = [place for start, end in pieces.spans for place in range(start, end)]
    assert spoken_for == [0, 1, 2]


def test_an_entity_that_begins_inside_a_piece_begins_with_the_next():
    assert tags_of([(0, 2), (2, 3), (3, 3), (3, 5)], [(1, 5, "PS")]) == ["O", "B-PS", "O", "I-PS"]
    assert tags_of([(0, 2), (2, 4)], [(0, 1, "PS"), (2, 4, "PS")]) == ["B-PS", "B-PS"]


def features(tokenizer, texts, targets=None, **limits):
    return TokenFeatures(align(texts, tokenizer, "character"), targets, tokenizer, Limits(**limits))


def test_a_batch_has_targets_beside_its_tokens(tokenizer):
    pieces = align([TaggedText(id="1", text=text) for text in SENTENCES[:2]], tokenizer, "character")
    targets = [list(range(len(one.ids))) for one in pieces]
    batch = TokenFeatures(pieces, targets, tokenizer, Limits(max_length=128)).batch([1, 0])
    expected = [IGNORED, *targets[1], IGNORED, IGNORED, *targets[0], IGNORED]
    assert batch.targets.tolist() == expected
    assert batch.input_ids.shape == batch.targets.shape
    assert batch.input_ids[0] == tokenizer.cls_token_id
    assert batch.input_ids[-1] == tokenizer.sep_token_id
    assert batch.input_ids.tolist() == tokenizer(SENTENCES[1])["input_ids"] + tokenizer(SENTENCES[0])["input_ids"]


@given(st.lists(st.integers(1, 6), min_size=1, max_size=3), st.integers(3, 20), st.integers(1, 20))
def test_windows_cover_all_and_are_stitched_where_they_show_most(tokenizer, repeats, max_length, doc_stride):
    texts = [TaggedText(id=str(number), text="서울 대학교 " * times) for number, times in enumerate(repeats)]
    windowed = features(tokenizer, texts, max_length=max_length, doc_stride=doc_stride)
    assert max(windowed.lengths) <= max_length
    assert len(windowed) == len(windowed.owners) == len(windowed.lengths)
    # A window's logits say which piece of which window they are for.
    logits = [
        np.array([[index, place - 1] for place in range(length)], dtype=np.float32)
        for index, length in enumerate(windowed.lengths)
    ]
    for number, (pieces, stitched) in enumerate(zip(windowed.pieces, windowed.stitched(logits), strict=True)):
        assert len(stitched) == len(pieces.ids)
        own = [windowed.windows[i] for i, owner in enumerate(windowed.owners) if owner == number]
        for place, (index, inside) in enumerate(stitched.astype(int).tolist()):
            start, end = windowed.windows[index]
            assert windowed.owners[index] == number
            assert place == start + inside
            # No other window shows more on its shorter side; the ends of a text are no edges.
            assert shown(place, start, end, len(pieces.ids)) == max(
                shown(place, first, last, len(pieces.ids)) for first, last in own if first <= place < last
            )


def shown(place, start, end, length):
    before = place - start if start else length
    after = end - 1 - place if end < length else length
    return min(before, after)


def test_a_length_without_room_for_pieces_is_refused(tokenizer):
    with pytest.raises(ConfigError, match="--max-length 2"):
        features(tokenizer, [TaggedText(id="1", text="서울")], max_length=2)


def test_columns_and_leaderboard_rows():
    words = TaggedText(
        id="1", text="EU rejects\nPeter", words=((0, 2), (3, 10), (11, 16)), entities=((0, 2, "ORG"), (11, 16, "PER"))
    )
    lines = list(column_lines(words, [words.entities, [(3, 10, "PER")]]))
    assert lines == ["EU B-ORG O", "rejects O B-PER", "", "Peter B-PER O", ""]
    characters = TaggedText(id="1", text="박 씨")
    assert list(column_lines(characters, [[(0, 3, "PS")]])) == ["박\tB-PS", " \tI-PS", "씨\tI-PS", ""]
    assert leaderboard_row(characters, [(0, 3, "PS")], ("B-PS", "I-PS", "O")) == [2, 0, 1, 2]
