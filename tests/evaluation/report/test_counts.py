from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_runs import write_run
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from korscideberta.evaluation.report.counts import (
    Counted,
    by_label,
    merged,
    most_confused,
    most_erring,
    share_interval,
)
from korscideberta.predictions import read_predictions

LABELS = ("가|나", "나", "다", "라", "마")


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    folder = write_run(tmp_path_factory.mktemp("runs") / "run", LABELS, documents=300, skill=1.5)
    return Counted.of(read_predictions(folder / "predictions-test.csv", LABELS), LABELS)


def test_the_file_is_read_whole(read):
    assert len(read.ids) == 300
    assert read.ids[:2] == ("1", "2")
    assert read.ranked.shape == read.shares.shape == (300, 3)
    assert (np.diff(read.shares, axis=1) <= 0).all()


def test_counts_agree_with_scikit_learn(read):
    true, first = [gold[0] for gold in read.gold], read.first.tolist()
    np.testing.assert_array_equal(read.confusion(), confusion_matrix(true, first, labels=range(len(LABELS))))
    expected = np.array(precision_recall_fscore_support(true, first, labels=range(len(LABELS)), zero_division=0)).T
    found = [(one.precision, one.recall, one.f1, one.documents) for one in by_label(read)]
    np.testing.assert_allclose(found, expected)


def test_of_several_gold_labels_any_one_is_right(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("id,gold,pred_1,prob_1\na,나|다,다,0.9\nb,나|다,라,0.8\nc,가|나,나,0.7\n", encoding="utf-8")
    found = Counted.of(read_predictions(path, LABELS), LABELS)
    assert found.gold == ((1, 2), (1, 2), (0,))
    assert found.correct.tolist() == [True, False, False]
    assert found.true.tolist() == [2, 1, 0]


def test_pairs_and_groups():
    counts = np.array([[5, 2, 0], [1, 7, 3], [0, 0, 4]])
    assert [(one.gold, one.predicted, one.documents) for one in most_confused(counts, 2)] == [(1, 2, 3), (0, 1, 2)]
    assert most_confused(counts, 1)[0].share == pytest.approx(3 / 11)
    assert most_erring(counts, 1) == [1]
    assert most_erring(counts, 2) == [0, 1]
    assert most_erring(np.eye(3, dtype=int), 2) == []
    whole = merged(counts, ["x", "y", "x"])
    assert whole.names == ("x", "y")
    np.testing.assert_array_equal(whole.counts, [[9, 2], [4, 7]])


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_share_is_wilson_s(counts):
    right, documents = counts
    expected = binomtest(right, documents).proportion_ci(0.95, method="wilson")
    np.testing.assert_allclose(share_interval(right, documents), expected, atol=1e-9)
