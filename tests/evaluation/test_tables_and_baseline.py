from __future__ import annotations

import numpy as np
import pytest

from korscideberta.data.examples import Example
from korscideberta.evaluation.baseline import fit_baseline
from korscideberta.evaluation.tables import comparison_table, figures_table, text_table


def example(text, label, pair=None):
    return Example(id=text, text=text, text_pair=pair, labels=(label,))


@pytest.mark.parametrize("kind", ["tfidf-char", "tfidf-morph"])
def test_tfidf_ranks_the_right_label_first_and_an_unseen_one_last(kind):
    train = [example(f"입자 에너지 실험 {i}", "과학") for i in range(5)]
    train += [example(f"금리 시장 수출 {i}", "경제") for i in range(5)]
    score = fit_baseline(kind, train, ["경제", "문학", "과학"])
    scores = score([example("시장 금리", "경제"), example("에너지 실험", "과학")])
    assert scores.argmax(axis=1).tolist() == [0, 2]
    assert np.all(scores[:, 1] == 0)
    assert scores.sum(axis=1) == pytest.approx(1)


def test_tfidf_reads_both_texts_of_a_pair():
    train = [example("같은 글", "A", f"입자 에너지 {i}") for i in range(4)]
    train += [example("같은 글", "B", f"금리 시장 {i}") for i in range(4)]
    assert fit_baseline("tfidf-char", train, ["A", "B"])([example("같은 글", "B", "금리 시장")]).argmax() == 1


def test_majority_has_the_shares_of_the_training_labels():
    train = [example("가", label) for label in "ABBB"]
    assert fit_baseline("majority", train, ["A", "B", "C"])(train[:2]).tolist() == [[0.25, 0.75, 0]] * 2


FIGURES = {"accuracy": 0.75, "majority_accuracy": 0.5, "k": 3, "documents": 1200}


def test_figures_table():
    lines = figures_table({"dev": FIGURES, "test": {**FIGURES, "accuracy": 0.5}}).splitlines()
    assert lines[0].split() == ["dev", "majority", "test", "majority"]
    assert lines[1].split() == ["accuracy", "0.7500", "0.5000", "0.5000", "0.5000"]
    assert lines[2].split() == ["documents", "1200", "1200"]


def test_comparison_table():
    lines = comparison_table({"model": FIGURES, "TF-IDF + LR": {**FIGURES, "accuracy": 0.8}}).splitlines()
    assert lines[1].split() == ["accuracy", "0.7500", "0.8000", "0.5000"]
    assert lines[-1] == "1,200 documents, k = 3"


def test_columns_align():
    assert text_table([["", "긴이름"], ["a", "1"], ["bcd", "22"]]).splitlines()[1:] == ["a      1", "bcd   22"]
