from __future__ import annotations

from collections import Counter

import pytest

from korscideberta.data.examples import Example
from korscideberta.data.splits import hold_out
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
