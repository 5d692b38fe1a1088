from __future__ import annotations

import numpy as np
import pytest

from korscideberta.metrics import accuracy, macro_f1, majority_class
from korscideberta.metrics.summary import several_labels, single_label, summarise
from korscideberta.metrics.topk import outcomes, rank_labels, topk_parts

SCORES = np.array([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4], [0.2, 0.5, 0.3], [0.9, 0.05, 0.05]])
GOLD = [(0,), (1,), (2,), (1,)]


def test_single_label_figures():
    figures = single_label(SCORES, GOLD, 2)
    assert figures["accuracy"] == 0.5
    assert figures["topk_accuracy"] == 1.0
    assert figures["mrr"] == pytest.approx((1 + 1 + 1 / 2 + 1 / 2) / 4)
    assert figures["f1_macro"] == pytest.approx(macro_f1([0, 1, 1, 0], [0, 1, 2, 1]))


def test_majority_figures_rank_labels_by_training_counts():
    figures = summarise(single_label, SCORES, GOLD, 1, label_counts=[1, 9, 3])
    assert figures["majority_accuracy"] == 0.5
    assert figures["documents"] == 4
    assert figures["k"] == 1


def test_several_labels_hold_the_family_and_the_rank():
    figures = several_labels(SCORES, [(0, 1), (2,), (2, 1), (1,)], 1)
    assert set(figures) == {"f1_micro", "f1_macro", "f1_strict", "top1_accuracy", "topk_accuracy", "mrr"}


def test_a_short_ranking_decides_what_it_can():
    gold = [(0, 1), (2,), (2, 1), (1,)]
    ranked = rank_labels(SCORES)
    whole = topk_parts(outcomes(ranked, gold, 1), 3)
    short = topk_parts(outcomes(ranked[:, :1], gold, 1, num_labels=3), 3)
    assert set(whole) - set(short) == {"f1_strict", "mrr"}
    assert all(part.value() == whole[name].value() for name, part in short.items())
    known = topk_parts(outcomes(ranked[:, :1], gold, 1, num_labels=3, rank=[1, 2, 1, 2]), 3)
    assert known["mrr"].value() == pytest.approx(whole["mrr"].value()) == 0.75


def test_accuracy_and_majority_class():
    assert accuracy([0, 1, 1], [0, 1, 2]) == pytest.approx(2 / 3)
    assert majority_class([2, 1, 1, 2, 0]) == 1
