from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korscideberta.training.schedule import linear_decay, warmup_steps


@pytest.mark.parametrize(("warmup", "steps"), [(0.1, 20), (0, 0), (0.999, 200), (50, 50), (1, 1)])
def test_warmup_is_a_share_below_one(warmup, steps):
    assert warmup_steps(warmup, 200) == steps


def test_linear_decay_by_hand():
    assert [linear_decay(step, 4, 8) for step in range(8)] == [0.25, 0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.25]
    assert linear_decay(0, 0, 4) == 1.0


@given(st.integers(0, 50), st.integers(1, 100), st.data())
def test_linear_decay_stays_within_bounds(warmup, total, data):
    step = data.draw(st.integers(0, total - 1))
    assert 0 < linear_decay(step, warmup, total) <= 1
