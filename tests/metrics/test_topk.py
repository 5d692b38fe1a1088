from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, label_ranking_average_precision_score

from korscideberta.metrics import mean_reciprocal_rank, rank_labels, topk_f1

GOLDEN = Path(__file__).parent.parent / "fixtures" / "metrics" / "topk_f1.json"


@pytest.mark.parametrize("case", json.loads(GOLDEN.read_text())["cases"], ids=lambda case: f"k{case['k']}")
def test_golden_figures(case):
    figures = topk_f1(case["scores"], case["gold"], k=case["k"])
    for name, value in case["expected"].items():
        assert figures[name] == pytest.approx(value, abs=1e-12), name


def test_worked_example():
    scores = [[0.5, 0.3, 0.1, 0.1, 0], [0.1, 0.2, 0.3, 0.4, 0], [0.6, 0.1, 0.1, 0.1, 0.1], [0, 0.1, 0.2, 0.3, 0.4]]
    figures = topk_f1(scores, [[1, 0], [0], [0, 4, 3], [4]], k=3)
    assert figures["f1_micro"] == 3 / 4
    assert figures["f1_macro"] == pytest.approx(0.6)
    assert figures["f1_strict"] == pytest.approx(4 / 7)


@st.composite
def problems(draw, most_gold=3):
    labels = draw(st.integers(2, 8))
    documents = draw(st.integers(1, 12))
    # Few distinct scores, so that ties are common.
    row = st.lists(st.integers(0, 4), min_size=labels, max_size=labels)
    gold = st.lists(st.integers(0, labels - 1), min_size=1, max_size=min(most_gold, labels), unique=True)
    return (
        np.array(draw(st.lists(row, min_size=documents, max_size=documents)), dtype=float),
        draw(st.lists(gold, min_size=documents, max_size=documents)),
    )


@given(problems())
@settings(max_examples=60, deadline=None)
def test_micro_never_falls_with_k_and_reaches_one(problem):
    scores, gold = problem
    micro = [topk_f1(scores, gold, k)["f1_micro"] for k in range(1, scores.shape[1] + 1)]
    assert micro == sorted(micro)
    assert micro[-1] == 1


@given(problems(most_gold=1))
@settings(max_examples=60, deadline=None)
def test_single_label_case_is_scikit_learns(problem):
    scores, gold = problem
    predicted = scores.argmax(axis=1)  # numpy, too, takes the smaller index of equal scores
    truth = [labels[0] for labels in gold]
    figures = topk_f1(scores, gold, k=1)
    accuracy = accuracy_score(truth, predicted)
    assert figures["f1_micro"] == figures["f1_strict"] == figures["top1_accuracy"] == pytest.approx(accuracy)
    assert figures["f1_macro"] == pytest.approx(f1_score(truth, predicted, average="macro"))


def test_mean_reciprocal_rank_is_scikit_learns():
    random = np.random.default_rng(0)
    scores = random.permuted(np.tile(np.arange(7.0), (20, 1)), axis=1)
    gold = random.integers(0, 7, 20)
    expected = label_ranking_average_precision_score(np.eye(7)[gold], scores)
    assert mean_reciprocal_rank(scores, [[label] for label in gold.tolist()]) == pytest.approx(expected)


def test_ties_go_to_the_smaller_label():
    assert rank_labels([[1.0, 2.0, 2.0, 0.5]]).tolist() == [[1, 2, 0, 3]]


@pytest.mark.parametrize(
    ("scores", "gold", "k", "message"),
    [
        ([[0.1, 0.2]], [[0]], 3, "k=3"),
        ([[0.1, 0.2]], [[0]], 0, "k=0"),
        ([[0.1, 0.2]], [[]], 1, "document 0"),
        ([[0.1, 0.2]], [[1, 1]], 1, "document 0"),
        ([[0.1, 0.2]], [[2]], 1, "outside"),
        ([[0.1, 0.2]], [[0], [1]], 1, "1 rows of scores for 2 documents"),
        ([[0.1, float("nan")]], [[0]], 1, "NaN"),
        ([0.1, 0.2], [[0]], 1, "shape"),
    ],
)
def test_impossible_input_is_refused(scores, gold, k, message):
    with pytest.raises(ValueError, match=message):
        topk_f1(scores, gold, k)
