from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from korscideberta.metrics import benchmarks


@st.composite
def scored(draw, labels):
    documents = draw(st.integers(labels, 40))
    random = np.random.default_rng(draw(st.integers(0, 2**31)))
    gold = [*range(labels), *random.integers(0, labels, documents - labels)]  # every label occurs
    return random.normal(size=(documents, labels)), [[int(label)] for label in gold]


@given(scored(2))
def test_two_labels_are_scikit_learns(case):
    scores, gold = case
    predicted, truth = scores.argmax(axis=1), np.ravel(gold)
    accuracy = sk.accuracy_score(truth, predicted)
    f1 = sk.f1_score(truth, predicted)
    assert benchmarks.accuracy_alone(scores, gold, 1) == {"accuracy": accuracy}
    assert benchmarks.matthews(scores, gold, 1) == {
        "matthews": pytest.approx(np.corrcoef(truth, predicted)[0, 1] if len(set(predicted)) == 2 else 0),
        "accuracy": accuracy,
    }
    assert benchmarks.accuracy_and_f1(scores, gold, 1) == {
        "accuracy": accuracy, "f1": f1, "accuracy_f1": pytest.approx((accuracy + f1) / 2),
    }  # fmt: skip
    assert benchmarks.answers_f1(scores, gold, 1) == {"f1a": f1, "accuracy": accuracy}


@given(scored(3))
def test_macro_f1_is_the_mean_over_labels(case):
    scores, gold = case
    predicted, truth = scores.argmax(axis=1), np.ravel(gold)
    per_label = [sk.f1_score(truth == label, predicted == label, zero_division=0) for label in range(3)]
    assert benchmarks.accuracy_and_macro_f1(scores, gold, 1)["f1_macro"] == pytest.approx(np.mean(per_label))


@given(scored(4))
def test_relations_leave_the_first_label_out(case):
    scores, gold = case
    predicted, truth = scores.argmax(axis=1), np.ravel(gold)
    right = int(((predicted == truth) & (truth > 0)).sum())
    named, real = int((predicted > 0).sum()), int((truth > 0).sum())
    found = benchmarks.relations(scores, gold, 1)
    assert found["f1_micro"] == pytest.approx(2 * right / (named + real))
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    areas = []
    for label in range(4):
        precision, recall, _ = sk.precision_recall_curve(truth == label, shares[:, label])
        areas.append(-np.trapezoid(precision, recall))
    assert found["auprc"] == pytest.approx(np.mean(areas))


def test_a_perfect_ranking_has_the_whole_area():
    assert benchmarks.relations(np.eye(5) * 9, [[i] for i in range(5)], 1) == {"f1_micro": 1.0, "auprc": 1.0}


def test_groups():
    assert benchmarks.exact_match_by_group([True, True, False, True], ["a", "a", "b", "b"]) == 0.5
    assert benchmarks.accuracy_by_group([True, False, True], ["x", "y", "x"]) == {"accuracy_x": 1.0, "accuracy_y": 0.0}
    assert benchmarks.accuracy_by_group([True, False], ["x", "x"]) == {}
    assert benchmarks.accuracy_by_group([True, False], [None, None]) == {}
