from __future__ import annotations

import numpy as np
import pytest
from corpora import settings, tokens_of
from hypothesis import given
from hypothesis import strategies as st

from korscideberta.errors import ConfigError
from korscideberta.pretraining import prepare, work
from korscideberta.pretraining.flags import DOCUMENT
from korscideberta.pretraining.prepare import prepare_corpus
from korscideberta.pretraining.rows import Rows, rows_of_step, shuffled
from korscideberta.pretraining.shards import ShardWriter
from korscideberta.tokenization import corpus as reading


@pytest.fixture
def several_shards(corpus_file, tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "BLOCK", 700)
    monkeypatch.setattr(reading, "_CHUNK", 300)
    monkeypatch.setattr(work, "PART", 1)
    monkeypatch.setattr(prepare, "ShardWriter", lambda *options: ShardWriter(*options, size=500))
    return prepare_corpus([corpus_file], tmp_path / "data", tokenizer, settings())


@given(count=st.integers(1, 300), seed=st.integers(0, 5), epoch=st.integers(0, 3))
def test_an_order_is_a_permutation(count, seed, epoch):
    assert sorted(shuffled(np.arange(count), count, seed, epoch).tolist()) == list(range(count))


def test_orders_differ_and_look_random():
    orders = {(seed, epoch): shuffled(np.arange(1000), 1000, seed, epoch) for seed in (0, 1) for epoch in (0, 1)}
    for one in orders:
        for other in orders:
            same = (orders[one] == orders[other]).sum()
            assert same == 1000 if one == other else same < 20
        assert abs(np.corrcoef(np.arange(1000), orders[one])[0, 1]) < 0.15
        assert abs(np.corrcoef(orders[one][1:], orders[one][:-1])[0, 1]) < 0.15


def test_every_epoch_meets_every_row_once():
    met = np.concatenate([rows_of_step(step, 7, 23, 5) for step in range(46)])
    for epoch in range(14):
        assert sorted(met[epoch * 23 : (epoch + 1) * 23].tolist()) == list(range(23))
    assert rows_of_step(0, 50, 23, 5).tolist() == met[:50].tolist()


def test_packed_rows_are_the_tokens_one_after_another(several_shards):
    rows = Rows(several_shards, "train", 30)
    assert len(several_shards.shards("train")) > 2
    joined = [token for index in range(len(rows)) for token in rows[index].ids.tolist()]
    assert joined == [token for ids in tokens_of(several_shards) for token in ids]
    short = [len(rows[index].ids) for index in range(len(rows)) if len(rows[index].ids) < 30]
    assert len(short) <= len(several_shards.shards("train"))


def test_rows_of_documents(several_shards):
    rows = Rows(several_shards, "train", 8, "documents")
    found: list[list[int]] = []
    for index in range(len(rows)):
        row = rows[index]
        assert 0 < len(row.ids) <= 8
        assert not (row.flags[1:] & DOCUMENT).any()
        if row.flags[0] & DOCUMENT:
            found.append([])
        found[-1] += row.ids.tolist()
    assert found == tokens_of(several_shards)


def test_an_unknown_layout(prepared):
    with pytest.raises(ConfigError, match="--rows packd: did you mean 'packed'"):
        Rows(prepared, "train", 8, "packd")
