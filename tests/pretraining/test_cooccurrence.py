from __future__ import annotations

import numpy as np
import pytest
import torch
from pretraining_runs import run_mlm, shape_file

from korscideberta.errors import ConfigError, DataError
from korscideberta.model import DebertaV2ForMaskedLM
from korscideberta.pretraining import cooccurrence
from korscideberta.pretraining.cooccurrence import cooccurrence_vectors
from korscideberta.pretraining.flags import DOCUMENT
from korscideberta.pretraining.shards import PreparedCorpus, Shard
from korscideberta.pretraining.starts import write_start

V, WINDOW = 13, 3


def shard(documents):
    ids = np.concatenate(documents).astype(np.uint16)
    starts = np.cumsum([0, *map(len, documents[:-1])])
    flags = np.zeros(len(ids), dtype=np.uint8)
    flags[starts] |= DOCUMENT
    return Shard(ids, flags, starts.astype(np.uint64))


@pytest.fixture
def documents():
    random = np.random.default_rng(0)
    return [random.choice(V - 1, size=random.integers(1, 9), p=np.arange(1, V) / 78) for _ in range(40)]


def information(documents):
    """Pairs counted one by one."""
    counts = np.zeros((V, V))
    for document in documents:
        for i, one in enumerate(document):
            for j, other in enumerate(document):
                if 0 < abs(i - j) <= WINDOW:
                    counts[one, other] += (WINDOW + 1 - abs(i - j)) / WINDOW
    contexts = counts.sum(axis=0) ** 0.75
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log(counts * contexts.sum() / np.outer(counts.sum(axis=1), contexts))
    return np.nan_to_num(np.maximum(found, 0))


@pytest.mark.parametrize("block", [7, 1 << 22])
def test_vectors_multiply_to_the_information_of_pairs(documents, monkeypatch, block):
    monkeypatch.setattr(cooccurrence, "_BLOCK", block)
    vectors = cooccurrence_vectors([shard(documents[:15]), shard(documents[15:])], V, V - 1, window=WINDOW)
    left, sizes, _ = np.linalg.svd(information(documents))
    expected = (left * sizes) @ left.T  # V S V^T has the same squares whichever signs the vectors have
    assert np.allclose(vectors @ vectors.T, expected, atol=1e-4)
    assert not vectors[V - 1].any()


def test_of_a_large_vocabulary_the_frequent_pieces_are_contexts(documents, monkeypatch):
    monkeypatch.setattr(cooccurrence, "_CELLS", V * 5)
    seen = []
    monkeypatch.setattr(cooccurrence, "_factorised", lambda found, width, seed: seen.append(found) or found)
    cooccurrence_vectors([shard(documents)], V, 4, window=WINDOW)
    assert seen[0].shape == (V, 5)


@pytest.fixture(scope="module")
def begun(prepared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("begun")
    shape = shape_file(folder)
    return shape, folder / "model", write_start(prepared.folder, shape, folder / "model")


def test_a_start_is_a_model_to_go_on_with(begun, prepared, tokenizer, tmp_path):
    _, folder, (known, total) = begun
    model = DebertaV2ForMaskedLM.from_pretrained(folder)
    table = model.get_input_embeddings().weight
    occurring = np.unique(np.concatenate([shard.ids for shard in prepared.shards("train")]))
    assert (known, total) == (len(occurring), len(tokenizer))
    lengths = table[torch.from_numpy(occurring.astype(np.int64))].norm(dim=1)
    torch.testing.assert_close(lengths, torch.full_like(lengths, 0.2 * 4))  # initializer_range × the root of the width
    assert run_mlm(tmp_path / "run", prepared, str(folder))[1]["loss"] > 0


def test_what_cannot_be(begun, prepared, tmp_path, monkeypatch):
    shape, folder, _ = begun
    with pytest.raises(ConfigError, match="is there already; give another --out or --overwrite"):
        write_start(prepared.folder, shape, folder)
    with pytest.raises(ConfigError, match="--window 0: must be at least 1"):
        write_start(prepared.folder, shape, tmp_path / "a", window=0)
    with pytest.raises(ConfigError, match="give a shape or a JSON file"):
        write_start(prepared.folder, str(folder), tmp_path / "a")
    with pytest.raises(DataError, match="150 pieces are too few for embeddings of 256; use a narrower --model"):
        write_start(prepared.folder, "nano", tmp_path / "a")
    (tmp_path / "mine").mkdir()
    with pytest.raises(ConfigError, match=r"--overwrite: .*mine is no model folder"):
        write_start(prepared.folder, shape, tmp_path / "mine", overwrite=True)
    monkeypatch.setattr(PreparedCorpus, "tokens", lambda corpus, split: 0)
    with pytest.raises(DataError, match="holds no text to count in"):
        write_start(prepared.folder, shape, tmp_path / "a")
    assert not (tmp_path / "a").exists()
