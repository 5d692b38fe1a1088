from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from korscideberta.data.duplicates import linked_groups, near_duplicates
from korscideberta.data.folds import dev_documents, stratified_folds
from korscideberta.errors import ConfigError

WORDS = [f"{a}{b}{c}" for a in "광촉양초딥심" for b in "매자전도러층" for c in "연학구습분해"]


@given(st.integers(0, 10_000), st.integers(2, 6))
@hypothesis_settings(max_examples=10)
def test_planted_near_duplicates_never_cross_folds(seed, folds):
    """A tenth of the documents are copies with a changed ending; labels are drawn at random, a copy's anew."""
    generator = np.random.default_rng(seed)
    texts = [" ".join(generator.choice(WORDS, 20)) for _ in range(150)]
    originals = generator.choice(150, 15, replace=False)
    texts += [f"{texts[i]} 끝" for i in originals]
    labels = generator.choice(list("ABC"), len(texts)).tolist()
    groups = linked_groups(len(texts), near_duplicates(texts))
    found = stratified_folds(labels, groups, folds, seed)
    assert set(found) == set(range(folds))
    assert found[originals].tolist() == found[150:].tolist()
    for fold in range(folds):
        rest = np.flatnonzero(found != fold)
        held = dev_documents([labels[i] for i in rest], groups[rest], seed)
        assert not set(groups[rest][held]) & set(groups[rest][~held])
        assert 0.04 < held.mean() < 0.2


def test_every_fold_has_every_label_in_proportion():
    labels = ["많음"] * 300 + ["적음"] * 50
    found = stratified_folds(labels, np.arange(350), 5, 0)
    assert np.bincount(found[:300]).tolist() == [60] * 5
    assert np.bincount(found[300:]).tolist() == [10] * 5
    assert stratified_folds(labels, np.arange(350), 5, 0).tolist() == found.tolist()
    assert stratified_folds(labels, np.arange(350), 5, 1).tolist() != found.tolist()
    assert np.bincount(stratified_folds(labels, None, 5, 0)).tolist() == [70] * 5


@pytest.mark.parametrize(
    ("labels", "groups", "folds"),
    [(["a"] * 9, np.arange(9), 1), (["a"] * 9, np.zeros(9, int), 2), (["a", "b", "c"], np.arange(3), 2)],
)
def test_too_many_folds(labels, groups, folds):
    with pytest.raises(ConfigError, match="--folds"):
        stratified_folds(labels, groups, folds, 0)
