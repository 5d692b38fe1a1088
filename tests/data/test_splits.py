from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korscideberta.data.examples import Example
from korscideberta.data.splits import hold_out, hold_out_groups
from korscideberta.errors import DataError


def primary(example):
    return example.labels[0]


def test_hold_out_keeps_label_shares():
    examples = [Example(id=str(i), text="글", labels=("ABBCCCCCCC"[i % 10],)) for i in range(200)]
    kept, held = hold_out(examples, 0.1, seed=3, stratum=primary)
    assert Counter(example.labels[0] for example in held) == {"A": 2, "B": 4, "C": 14}
    assert sorted(kept + held, key=lambda e: int(e.id)) == examples
    assert (kept, held) == hold_out(examples, 0.1, seed=3, stratum=primary)
    assert held != hold_out(examples, 0.1, seed=4, stratum=primary)[1]


def test_too_few_to_hold_out():
    with pytest.raises(DataError, match="too few"):
        hold_out([Example(id="1", text="글", labels=("A",))], 0.1, seed=0, stratum=primary)


@given(st.lists(st.integers(0, 5), min_size=2, max_size=40), st.floats(0.05, 0.95), st.integers(0, 3))
def test_groups_stay_whole(groups, share, seed):
    examples = [Example(id=str(i), text=str(group)) for i, group in enumerate(groups)]
    if len(set(groups)) < 2:
        with pytest.raises(DataError, match="cannot be divided"):
            hold_out_groups(examples, share, seed, lambda example: example.text)
        return
    kept, held = hold_out_groups(examples, share, seed, lambda example: example.text)
    assert kept
    assert held
    assert not {example.text for example in kept} & {example.text for example in held}
    assert sorted([*kept, *held], key=lambda example: int(example.id)) == examples
    assert hold_out_groups(examples, share, seed, lambda example: example.text) == (kept, held)
    # Neither the largest group more nor less would have brought the share much nearer.
    largest = max(groups.count(group) for group in groups)
    assert abs(len(held) - share * len(groups)) <= largest
