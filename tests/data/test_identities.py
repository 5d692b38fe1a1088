from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from korscideberta.data import identities
from korscideberta.data.identities import Identities, digest


@given(st.lists(st.text(st.characters(), max_size=2), max_size=60))
def test_what_occurs_twice_is_found(ids):
    held, at_a_time = identities._HELD, identities._SORTED
    identities._HELD, identities._SORTED = 3, 5  # so that a few ids are written and sorted in several parts
    try:
        with Identities() as found:
            for one in ids:
                found.add(one)
            assert found.repeated() == {digest(one) for one in ids if ids.count(one) > 1}
    finally:
        identities._HELD, identities._SORTED = held, at_a_time
