from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from korscideberta.metrics.hierarchy import hierarchy_parts

PATHS = {code: (code[:2], code[:4], code) for code in ("LA0101", "LA0102", "LA0201", "NA0101")} | {"EE": ("EE",)}


def figures(ranked, gold):
    return {name: part.value() for name, part in hierarchy_parts(ranked, gold, PATHS.__getitem__).items()}


def test_by_hand():
    # Shared of predicted and of gold: LA, LA01 of three and three; none of three and one; all three of three.
    found = figures([["LA0101"], ["NA0101"], ["LA0201"]], [["LA0102"], ["EE"], ["LA0201"]])
    assert found["hierarchical_precision"] == pytest.approx(5 / 9)
    assert found["hierarchical_recall"] == pytest.approx(5 / 7)
    assert found["hierarchical_f1"] == pytest.approx(10 / 16)


def test_fields_above_several_labels_count_once():
    found = figures([["LA0101", "LA0102", "EE"]], [["LA0101", "LA0201"]])
    assert found["hierarchical_precision"] == pytest.approx(3 / 4)  # LA LA01 LA0101 of these and LA0102
    assert found["hierarchical_recall"] == pytest.approx(3 / 5)  # of LA LA01 LA0101 LA02 LA0201


several = st.lists(st.sampled_from(sorted(PATHS)), min_size=1, max_size=3, unique=True)


@given(st.lists(st.tuples(st.permutations(sorted(PATHS)), several), min_size=1, max_size=8))
def test_they_are_the_micro_figures_of_all_labels_above(documents):
    nodes = sorted({node for path in PATHS.values() for node in path})

    def marked(labels):
        return [int(node in {above for label in labels for above in PATHS[label]}) for node in nodes]

    true = np.array([marked(gold) for _, gold in documents])
    named = np.array([marked(ranked[: len(gold)]) for ranked, gold in documents])
    wanted = precision_recall_fscore_support(true, named, average="micro", zero_division=0)[:3]
    found = figures([ranked for ranked, _ in documents], [gold for _, gold in documents])
    assert list(found.values()) == pytest.approx(list(wanted))


def test_a_ranking_that_is_too_short():
    with pytest.raises(ValueError, match="document 0 has 2 gold labels but 1 ranked ones"):
        figures([["EE"]], [["EE", "LA0101"]])
