"""Logits of a model for encoded examples, in the order of the examples.

Shapes: N features, B of them in a batch, L tokens of one, T tokens of a batch, C labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import accumulate

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from korscideberta.collective import gathered, is_main, rank, world_size
from korscideberta.data.batching import Batch, BatchSize, eval_order
from korscideberta.data.features import Features
from korscideberta.data.prefetch import prepared
from korscideberta.precision import autocast

Progress = str | Callable[[int], object]
"""The label of a progress bar, or what is called with the number of features of each batch that is done."""


def batch_logits(
    model: nn.Module,
    features: Features,
    *,
    batch_size: BatchSize = 64,
    precision: str = "float32",
    progress: Progress | None = None,
) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
    """Yield the numbers of the features of a batch and the logits of that batch, each feature once, longest first.

    The model is in evaluation mode meanwhile; its mode is put back afterwards. Several processes work on a batch each
    at a time, and all of them are given every batch.

    Args:
        model: a model whose output has `.logits`: a row a feature or, of tokens, a row a packed token.
        features: encoded examples; targets are not looked at.
        batch_size: features a batch.
        precision: `float32`, `bf16` or `fp16`.
        progress: how progress is shown; None shows none.
    """
    device = next(model.parameters()).device
    training = model.training
    batches = list(eval_order(features.lengths, batch_size))
    rounds = (batches[first : first + world_size()] for first in range(0, len(batches), world_size()))

    def own(together: list[list[int]]) -> Batch:
        # Every process runs a batch, if need be one again: a model in shards needs them all.
        return features.batch(together[min(rank(), len(together) - 1)]).to(device)

    label = progress if isinstance(progress, str) and is_main() else None
    model.eval()
    try:
        with (
            tqdm(total=len(features), desc=label, unit=" rows", disable=True if label is None else None) as bar,
            closing(prepared(own, rounds)) as work,
        ):
            for together, batch in work:
                with torch.inference_mode(), autocast(precision, device):
                    logits = model(**batch.inputs).logits.float().cpu().numpy()
                for indices, of_batch in zip(together, gathered(logits), strict=False):
                    yield indices, of_batch
                    bar.update(len(indices))
                    if callable(progress):
                        progress(len(indices))
    finally:
        model.train(training)


def predict_logits(
    model: nn.Module,
    features: Features,
    *,
    batch_size: BatchSize = 64,
    precision: str = "float32",
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Return the (N, C) logits of a head that gives one row a feature; arguments as in `batch_logits`."""
    logits_NC: NDArray[np.float32] | None = None
    for indices, logits_BC in batch_logits(
        model, features, batch_size=batch_size, precision=precision, progress=progress
    ):
        if logits_NC is None:
            logits_NC = np.empty((len(features), logits_BC.shape[1]), dtype=np.float32)
        logits_NC[indices] = logits_BC
    if logits_NC is None:
        raise ValueError("no examples to predict")
    return logits_NC


def predict_token_logits(
    model: nn.Module,
    features: Features,
    *,
    batch_size: BatchSize = 64,
    precision: str = "float32",
    progress: Progress | None = None,
) -> list[NDArray[np.float32]]:
    """Return the (L, C) logits of each feature of a head that gives one row a token; arguments as in `batch_logits`."""
    logits: dict[int, NDArray[np.float32]] = {}
    for indices, logits_TC in batch_logits(
        model, features, batch_size=batch_size, precision=precision, progress=progress
    ):
        ends = accumulate(features.lengths[index] for index in indices)
        for index, end in zip(indices, ends, strict=True):
            logits[index] = logits_TC[end - features.lengths[index] : end].copy()
    return [logits[index] for index in range(len(features))]


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the logistic function of logits, without overflow."""
    result: NDArray[np.float64] = 0.5 * (1.0 + np.tanh(0.5 * logits.astype(np.float64)))
    return result


def probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the softmax of (N, C) logits."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    result: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
    return result
