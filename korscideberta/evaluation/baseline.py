"""TF-IDF and logistic regression: the figure every model must be seen beside.

Shapes: N documents, C labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from korscideberta.data.examples import Example


def tfidf_scores(train: Sequence[Example], others: Sequence[Example], labels: Sequence[str]) -> NDArray[np.float64]:
    """Fit on the primary labels of `train` and return (N, C) probabilities for `others`.

    Character 1–4-grams within word boundaries, sublinear counts, at least two documents a gram, 200,000 grams at most;
    logistic regression with C = 8. A label that `train` never has as primary one scores 0. The two texts of a pair are
    joined with a line break.
    """
    vectorizer = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True, min_df=2, max_features=200_000
    )
    features = vectorizer.fit_transform(_text(example) for example in train)
    classifier = LogisticRegression(C=8, max_iter=1000)
    classifier.fit(features, [example.labels[0] for example in train])
    scores_NC = np.zeros((len(others), len(labels)))
    columns = [labels.index(label) for label in classifier.classes_]
    scores_NC[:, columns] = classifier.predict_proba(vectorizer.transform(_text(example) for example in others))
    return scores_NC


def _text(example: Example) -> str:
    return example.text if example.text_pair is None else f"{example.text}\n{example.text_pair}"
