from __future__ import annotations

import random
import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from korscideberta.data.duplicates import Pair, linked_groups, near_duplicates

SIMILAR = st.lists(st.text("가나다ab .", max_size=12), max_size=14)


def brute_force(texts, threshold, size):
    """Shingles as sets of strings, every pair compared."""

    def shingles(text):
        text = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).lower()) or text
        return {text[i : i + size] for i in range(max(1, len(text) - size + 1))}

    sets = [shingles(text) for text in texts]
    return {
        (i, j): len(sets[i] & sets[j]) / len(sets[i] | sets[j])
        for i in range(len(texts))
        for j in range(i + 1, len(texts))
        if len(sets[i] & sets[j]) / len(sets[i] | sets[j]) >= threshold - 1e-12
    }


@given(SIMILAR, st.sampled_from([0.1, 0.3, 0.5, 2 / 3, 0.8, 1.0]), st.integers(1, 4))
def test_pairs_are_those_of_comparing_every_pair(texts, threshold, size):
    expected = brute_force(texts, threshold, size)
    found = near_duplicates(texts, threshold, size)
    for first, second, similarity in found:
        assert similarity == pytest.approx(expected[first, second])
    groups = linked_groups(len(texts), found)
    assert all(groups[i] == groups[j] for i, j in expected)
    # What is left out are pairs of texts one of which is the same as an earlier text.
    missing = set(expected) - {(pair.first, pair.second) for pair in found}
    same = {j for (i, j), similarity in expected.items() if similarity == 1}
    assert all(i in same or j in same for i, j in missing)


def test_rare_characters_of_a_large_alphabet():
    """More characters than fit into one number a shingle."""
    letters = [chr(0xAC00 + i) for i in range(11_172)] + [chr(0x4E00 + i) for i in range(20_000)]
    random.Random(0).shuffle(letters)
    texts = ["".join(letters[i : i + 20]) for i in range(0, len(letters), 20)]
    copies = [texts[3] + "끝", texts[700][:-1]]
    found = near_duplicates(texts + copies, 0.8, 6)
    assert [(pair.first, pair.second) for pair in found] == [(3, len(texts)), (700, len(texts) + 1)]
    assert [pair.similarity for pair in found] == [15 / 16, 14 / 15]


def test_case_width_space_and_punctuation_do_not_count():
    assert near_duplicates(["ＣＮＮ 기반의 영상-분류", "cnn기반의 영상 분류!"]) == [(0, 1, 1.0)]
    assert near_duplicates(["!!!", "???"]) == []


def test_copies_make_few_pairs_and_one_group():
    texts = ["같은 제목의 논문"] * 500 + ["다른 글입니다 아주"]
    pairs = near_duplicates(texts)
    assert len(pairs) == 499
    assert linked_groups(len(texts), pairs).tolist() == [0] * 500 + [1]


def test_nothing_to_compare():
    assert near_duplicates([]) == []
    assert near_duplicates(["하나"]) == []
    assert linked_groups(0, []).tolist() == []


@pytest.mark.parametrize("options", [{"threshold": 0}, {"threshold": 1.1}, {"size": 0}])
def test_impossible_options(options):
    with pytest.raises(ValueError, match="must lie in"):
        near_duplicates(["가"], **options)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12), st.lists(st.sampled_from("abcde")))
def test_groups_are_the_connected_components(edges, keys):
    keys = [*keys[:10], *range(10 - len(keys[:10]))]
    edges = [edge for edge in edges if edge[0] != edge[1]]
    same = [(i, j) for i in range(10) for j in range(10) if keys[i] == keys[j]]
    both = [*edges, *same]
    matrix = coo_matrix((np.ones(len(both)), ([i for i, _ in both], [j for _, j in both])), shape=(10, 10))
    _, expected = connected_components(matrix, directed=False)
    found = linked_groups(10, [Pair(i, j, 1.0) for i, j in edges], keys)
    assert found[0] == 0
    assert ((found[:, None] == found) == (expected[:, None] == expected)).all()
