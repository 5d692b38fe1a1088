from __future__ import annotations

import threading
from contextlib import closing

import pytest

from korscideberta.data.prefetch import prepared


@pytest.mark.parametrize("ahead", [0, 1, 2, 50])
def test_results_come_in_order(ahead):
    assert list(prepared(lambda item: item * 10, range(20), ahead=ahead)) == [(i, i * 10) for i in range(20)]
    assert list(prepared(str, [], ahead=ahead)) == []


def test_the_next_is_made_while_the_caller_works():
    made = [threading.Event() for _ in range(9)]
    with closing(prepared(lambda item: made[item].set(), range(9), ahead=2)) as results:
        for item, _ in results:
            for later in (item + 1, item + 2):
                assert later > 8 or made[later].wait(10)
            assert not any(event.is_set() for event in made[item + 3 :])


def prepare(item):
    if item == 3:
        raise ValueError("item 3")
    return item


@pytest.mark.parametrize("ahead", [0, 1, 9])
def test_an_error_comes_in_its_place(ahead):
    results = prepared(prepare, range(9), ahead=ahead)
    assert [next(results)[1] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="item 3"):
        next(results)


def test_closing_ends_the_thread():
    before = threading.active_count()
    with closing(prepared(str, iter(int, 1))) as results:
        assert next(results) == (0, "0")
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
