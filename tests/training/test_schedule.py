from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korscideberta.training.schedule import SCHEDULES, linear, warmup_linear_shift, warmup_steps

ORIGINAL = json.loads((Path(__file__).parent.parent / "fixtures" / "schedules_original.json").read_text())["cases"]


@pytest.mark.parametrize(("warmup", "steps"), [(0.1, 20), (0, 0), (0.999, 200), (50, 50), (1, 1)])
def test_warmup_is_a_share_below_one(warmup, steps):
    assert warmup_steps(warmup, 200) == steps


@pytest.mark.parametrize("case", ORIGINAL, ids=lambda case: f"{case['schedule']}-{case['total']}")
def test_the_original_gives_the_same_factors(case):
    schedule = SCHEDULES[case["schedule"]]
    factors = [schedule(step, case["total"], case["warmup"], case["end"]) for step in case["steps"]]
    assert factors == pytest.approx(case["factors"], abs=1e-12)


def test_all_six_are_compared():
    assert {case["schedule"] for case in ORIGINAL} == set(SCHEDULES) - {"linear"}


def test_linear_by_hand():
    assert [linear(step, 8, 4) for step in range(8)] == [0.25, 0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.25]
    assert linear(0, 4, 0) == 1.0
    assert linear(3, 4, 0, 0.2) == pytest.approx(0.4)


def test_linear_is_the_shifted_original_a_step_on():
    assert [linear(step, 19, 5) for step in range(4)] == [warmup_linear_shift(step + 1, 19, 5) for step in range(4)]


@given(st.sampled_from(sorted(SCHEDULES)), st.integers(0, 50), st.integers(1, 100), st.floats(0, 1), st.data())
def test_factors_stay_within_bounds(name, warmup, total, end, data):
    step = data.draw(st.integers(0, total - 1))
    assert 0 <= SCHEDULES[name](step, total, warmup, end) <= 1 + 1e-12
