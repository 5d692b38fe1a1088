"""Logits of a model for encoded examples, in the order of the examples.

Shapes: N examples, C labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from korscideberta.data.batching import collate, eval_order
from korscideberta.data.encoding import EncodedExample, token_counts
from korscideberta.precision import autocast


def predict_logits(
    model: nn.Module,
    examples: Sequence[EncodedExample],
    *,
    batch_size: int = 64,
    precision: str = "float32",
    progress: str | None = None,
) -> NDArray[np.float32]:
    """Return (N, C) logits in evaluation mode; the model's mode is put back afterwards.

    Args:
        model: a classification model whose output has `.logits` (B, C).
        examples: encoded texts; their gold labels are not looked at.
        batch_size: examples a batch.
        precision: `float32`, `bf16` or `fp16`.
        progress: label of a progress bar; None shows none.
    """
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    logits: NDArray[np.float32] | None = None
    lengths = token_counts(examples)
    with (
        torch.inference_mode(),
        autocast(precision, device),
        tqdm(total=len(examples), desc=progress, unit=" rows", disable=True if progress is None else None) as bar,
    ):
        for indices in eval_order(lengths, batch_size):
            batch = collate([examples[i] for i in indices], None).to(device)
            batch_logits = model(**batch.inputs).logits.float().cpu().numpy()
            if logits is None:
                logits = np.empty((len(examples), batch_logits.shape[1]), dtype=np.float32)
            logits[indices] = batch_logits
            bar.update(len(indices))
    model.train(training)
    if logits is None:
        raise ValueError("no examples to predict")
    return logits


def probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the softmax of (N, C) logits."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    result: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
    return result
