"""The figures every model must be seen beside: the majority class, and logistic regression on TF-IDF.

Shapes: N documents, C labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from korscideberta.data.examples import Example
from korscideberta.tokenization.mecab import SharedAnalyser

KINDS = ("majority", "tfidf-char", "tfidf-morph")


Scorer = Callable[[Sequence[Example]], NDArray[np.float64]]
"""Gives the probabilities (N, C) of examples."""


def fit_baseline(kind: str, train: Sequence[Example], labels: Sequence[str], engine: str = "mecab") -> Scorer:
    """Fit one of `KINDS` on training examples.

    `majority` ranks labels by how many examples have them. `tfidf-char` takes character 1–4-grams within word
    boundaries, `tfidf-morph` the morphs of the analyser `engine`, one and two at a time; both with sublinear counts, at
    least two documents a gram, 200,000 grams at most, and logistic regression with C = 8 on the primary labels. A label
    that `train` never has as primary one scores 0. The two texts of a pair are joined with a line break.

    Raises:
        ConfigError, DependencyError: the analyser is unknown or not installed.
    """
    if kind == "majority":
        counts = np.array([sum(label in example.labels for example in train) for label in labels], dtype=np.float64)
        return lambda others: np.tile(counts / counts.sum(), (len(others), 1))
    grams: dict[str, Any] = {"sublinear_tf": True, "min_df": 2, "max_features": 200_000}
    if kind == "tfidf-char":
        vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), **grams)
    else:
        morphs = SharedAnalyser(engine).morphs
        vectorizer = TfidfVectorizer(tokenizer=morphs, token_pattern=None, ngram_range=(1, 2), **grams)
    features = vectorizer.fit_transform(_text(example) for example in train)
    classifier = LogisticRegression(C=8, max_iter=1000).fit(features, [example.labels[0] for example in train])
    columns = [labels.index(label) for label in classifier.classes_]

    def scores(others: Sequence[Example]) -> NDArray[np.float64]:
        scores_NC = np.zeros((len(others), len(labels)))
        scores_NC[:, columns] = classifier.predict_proba(vectorizer.transform(_text(example) for example in others))
        return scores_NC

    return scores


def _text(example: Example) -> str:
    return example.text if example.text_pair is None else f"{example.text}\n{example.text_pair}"
