from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from korscideberta.pretraining import duplicates
from korscideberta.pretraining.duplicates import BANDS, ROWS, as_keys, band_keys, mark_later, repeated_keys, text_key

KEYS = st.lists(st.lists(st.integers(0, 12), max_size=8), max_size=6)


def parts_of(lists, spread):
    # Over the whole range of 64 bits, so that every pass gets some; 0 is no key.
    return [np.array(numbers, dtype=np.uint64) * np.uint64(spread) for numbers in lists]


@given(lists=KEYS, at_once=st.integers(1, 60), spread=st.sampled_from([1, 2**60]))
def test_later_ones_are_marked(lists, at_once, spread):
    flat = [key for numbers in lists for key in numbers]
    marks = np.zeros(len(flat), dtype=bool)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "_AT_ONCE", at_once)
        mark_later(lambda: iter(parts_of(lists, spread)), len(flat), marks)
    assert marks.tolist() == [key != 0 and key in flat[:place] for place, key in enumerate(flat)]


@given(lists=KEYS, at_once=st.integers(1, 60), times=st.integers(2, 4), spread=st.sampled_from([1, 2**60]))
def test_repeated_keys_and_their_first_places(lists, at_once, times, spread):
    flat = [key for numbers in lists for key in numbers]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "_AT_ONCE", at_once)
        keys, places = repeated_keys(lambda: iter(parts_of(lists, spread)), len(flat), times)
    expected = sorted(key for key in set(flat) if key and flat.count(key) >= times)
    assert keys.tolist() == [key * spread for key in expected]
    assert places.tolist() == [flat.index(key) for key in expected]


def test_keys_look_past_white_space():
    assert text_key("가 나\n다") == text_key("가나다") != text_key("가나라")
    assert as_keys([b"\0" * 8, text_key("가")]).tolist()[0] == 1


def test_signatures_find_what_is_almost_the_same():
    """The share of pairs found follows the formula of the bands, for pairs of known similarity."""
    random = np.random.default_rng(0)
    alphabet = [chr(code) for code in range(0xAC00, 0xAC00 + 2000)]
    for changed, low, high in [(0, 1, 1), (2, 0.9, 1), (12, 0.1, 0.75), (400, 0, 0.01)]:
        found, expected = 0, 0.0
        for _ in range(25):
            first = random.choice(alphabet, 400)
            second = first.copy()
            second[random.choice(400, changed, replace=False) if changed < 400 else slice(None)] = "힣"
            if changed == 400:
                second = random.choice(alphabet, 400)
            keys = band_keys(["".join(first), "".join(second)])
            found += bool((keys[0] == keys[1]).any())
            one, other = ({tuple(text[i : i + 5]) for i in range(396)} for text in (first, second))
            expected += 1 - (1 - (len(one & other) / len(one | other)) ** ROWS) ** BANDS
        assert low <= found / 25 <= high
        assert abs(found - expected) / 25 < 0.2


def test_a_signature_does_not_depend_on_its_neighbours():
    texts = [
        "가나다라마바사" * 5,
        "짧다",
        "아자차카타파하" * 4,
        "한국어 문장 하나가 여기에 길게 놓여 있다고 하자 그리고 또",
    ]
    together = band_keys(texts)
    assert (together[1] == 0).all()
    for text, keys in zip(texts, together, strict=True):
        assert (band_keys([text]) == keys).all()
        assert (band_keys([" ".join(text)]) == keys).all()
    assert band_keys([]).shape == (0, BANDS)
