"""Word embeddings of a new model from which pieces occur near each other, before any gradient step.

Positive pointwise mutual information of pieces and their neighbours, smoothed and factorised as by Levy, Goldberg &
Dagan, "Improving Distributional Similarity with Lessons Learned from Word Embeddings" (TACL 2015): neighbours weigh by
nearness, the counts of contexts are raised to 0.75, vectors are U S^0.5.
"""

# Shapes: V pieces, C contexts, W width of the embeddings, T tokens of a block

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from korscideberta.model.heads import DebertaV2ForMaskedLM
from korscideberta.pretraining.flags import DOCUMENT
from korscideberta.pretraining.shards import Shard

_BLOCK = 1 << 22
_CELLS = 1 << 29
"""Counts kept at most, four bytes each: of a larger vocabulary the most frequent pieces alone are contexts."""
_SMOOTHING = 0.75


def cooccurrence_vectors(
    shards: Sequence[Shard],
    vocabulary: int,
    width: int,
    *,
    window: int = 12,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> NDArray[np.float32]:
    """Return a vector for each piece, zero for pieces that never occur or stand near all alike.

    Args:
        shards: tokens with flags; pairs are counted within documents.
        vocabulary: number of pieces, V.
        width: length of a vector, W; below V.
        window: tokens to either side that count as near; a neighbour d tokens off weighs (window + 1 - d) / window.
        seed: of the randomised factorisation.
        progress: told how many of all tokens are counted.

    Returns:
        (V, W)
    """
    frequency_V = sum(
        (np.bincount(shard.ids, minlength=vocabulary) for shard in shards), np.zeros(vocabulary, dtype=np.int64)
    )
    contexts = min(vocabulary, _CELLS // vocabulary)
    place_V = np.full(vocabulary, -1, dtype=np.int64)
    place_V[np.argsort(-frequency_V, kind="stable")[:contexts]] = np.arange(contexts)
    counts_VC = np.zeros((vocabulary, contexts), dtype=np.float32)
    total, done = sum(len(shard.ids) for shard in shards), 0
    for shard in shards:
        for begin in range(0, len(shard.ids), _BLOCK):
            end = min(begin + _BLOCK, len(shard.ids))
            block = slice(begin, min(end + window, len(shard.ids)))
            _count(counts_VC, shard.ids[block], shard.flags[block], end - begin, place_V, window)
            done += end - begin
            progress(done, total)
    return _factorised(_positive_information(counts_VC), width, seed)


def _count(
    counts_VC: NDArray[np.float32],
    ids: NDArray[Any],
    flags: NDArray[np.uint8],
    firsts: int,
    place_V: NDArray[np.int64],
    window: int,
) -> None:
    """Add the pairs whose first token is among the first `firsts` of a block, each in both directions."""
    ids_T, document_T = ids.astype(np.int64), np.cumsum((flags & DOCUMENT) > 0)
    cells, contexts = counts_VC.reshape(-1), counts_VC.shape[1]
    for distance in range(1, window + 1):
        count = min(firsts, len(ids_T) - distance)
        together = document_T[:count] == document_T[distance : distance + count]
        left, right = ids_T[:count][together], ids_T[distance : distance + count][together]
        for one, other in ((left, place_V[right]), (right, place_V[left])):
            known = other >= 0
            cell, times = np.unique(one[known] * contexts + other[known], return_counts=True)
            cells[cell] += times * np.float32((window + 1 - distance) / window)


def _positive_information(counts_VC: NDArray[np.float32]) -> sparse.csr_matrix:
    """(V, C) positive pointwise mutual information."""
    rows, columns = np.nonzero(counts_VC)
    values = counts_VC[rows, columns].astype(np.float64)
    piece_V = counts_VC.sum(axis=1, dtype=np.float64)
    context_C = counts_VC.sum(axis=0, dtype=np.float64) ** _SMOOTHING
    information = np.log(values * context_C.sum() / (piece_V[rows] * context_C[columns]))
    above = information > 0
    return sparse.csr_matrix(
        (information[above].astype(np.float32), (rows[above], columns[above])), shape=counts_VC.shape
    )


def _factorised(information_VC: sparse.csr_matrix, width: int, seed: int) -> NDArray[np.float32]:
    left, sizes, _ = randomized_svd(information_VC, width, n_iter=4, random_state=seed)
    vectors: NDArray[np.float32] = (left * np.sqrt(sizes)).astype(np.float32)
    vectors[information_VC.getnnz(axis=1) == 0] = 0.0
    return vectors


@torch.no_grad()
def place_vectors(model: DebertaV2ForMaskedLM, vectors_VW: NDArray[np.float32]) -> int:
    """Make vectors the word embeddings of a new model, in place, and return how many pieces have one.

    Their common direction, which tells frequent pieces from rare ones, is taken away, and each gets the length that a
    new embedding has on average. Pieces with a vector of zeros keep the embedding they have.
    """
    table = model.get_input_embeddings().weight
    vectors = torch.from_numpy(vectors_VW)
    known = vectors.abs().sum(dim=1) > 0
    directions = torch.nn.functional.normalize(vectors[known] - vectors[known].mean(dim=0), dim=1)
    places = known.nonzero().squeeze(1)
    table[places] = directions * (model.config.initializer_range * vectors.shape[1] ** 0.5)
    return len(places)
