from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from korscideberta.tokenization.sampling import HIGHEST, Lowest, priorities


@given(size=st.integers(1, 50), counts=st.lists(st.integers(0, 60), min_size=1, max_size=12), seed=st.integers(0, 3))
def test_the_lowest_of_a_stream(size: int, counts: list[int], seed: int) -> None:
    parts = [priorities(seed, block, count) for block, count in enumerate(counts)]
    everything = np.sort(np.concatenate(parts))
    lowest = Lowest(size)
    for part in parts:
        lowest.add(part)
        assert lowest.bound >= (everything[size - 1] if len(everything) >= size else HIGHEST)
    assert lowest.settle() == (everything[size - 1] if len(everything) >= size else HIGHEST)


def test_early_leaving_out_changes_nothing() -> None:
    whole, thinned = Lowest(10), Lowest(10)
    for block in range(50):
        numbers = priorities(7, block, 30)
        whole.add(numbers)
        thinned.add(numbers[numbers <= thinned.bound])
    assert whole.settle() == thinned.settle() < HIGHEST


def test_priorities_differ_by_seed_and_block_and_are_even() -> None:
    rows = [priorities(seed, block, 1000) for seed, block in ((0, 0), (0, 1), (1, 0))]
    assert len(set(np.concatenate(rows).tolist())) == 3000
    assert abs(np.concatenate(rows).astype(float).mean() / 2.0**64 - 0.5) < 0.02
    assert np.array_equal(rows[0][:10], priorities(0, 0, 10))
