"""Which words of a text spoke for a label and against another: gradient times input.

Shapes: T tokens, D embedding width, C labels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from korscideberta.model.heads import DebertaV2ForSequenceClassification


@dataclass(frozen=True)
class Word:
    """A word of a text, its place, and what its tokens add together."""

    start: int
    end: int
    score: float


def token_scores(
    model: DebertaV2ForSequenceClassification,
    input_ids: Sequence[int],
    token_type_ids: Sequence[int],
    label: int,
    other: int,
    of_labels: Callable[[Tensor], Tensor] = lambda logits: logits,
) -> NDArray[np.float64]:
    """Return (T,) how much each token's input adds, to first order, to the lead of a label's score over another's.

    `of_labels` gives the scores (1, C) of the model's logits, the logits themselves unless told.

    The input is what the first layer is given. Of the word embeddings themselves the product would be nothing: the
    LayerNorm behind them takes their length away. The model is run in evaluation mode, and its mode put back.

    Source: Shrikumar et al. 2016 (arXiv 1605.01713), gradient times input.
    """
    kept: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], embedded: Tensor) -> Tensor:
        kept.append(embedded.detach().requires_grad_())
        return kept[0]

    device = next(model.parameters()).device
    training = model.training
    model.eval()
    handle = model.deberta.embeddings.register_forward_hook(keep)
    try:
        with torch.enable_grad():
            logits_BC = model(
                input_ids=torch.tensor([list(input_ids)], device=device),
                token_type_ids=torch.tensor([list(token_type_ids)], device=device),
            ).logits
            scores_BC = of_labels(logits_BC)
            (slope,) = torch.autograd.grad(scores_BC[0, label] - scores_BC[0, other], kept[0])
    finally:
        handle.remove()
        model.train(training)
    scores: NDArray[np.float64] = (slope * kept[0]).sum(-1).detach().double().flatten().cpu().numpy()
    return scores


def word_scores(text: str, offsets: Sequence[tuple[int, int]], scores: Sequence[float]) -> list[Word]:
    """Add up the scores of the tokens that begin in each word; words are what white space divides."""
    words = [match.span() for match in re.finditer(r"\S+", text)]
    sums = [0.0] * len(words)
    ends = [end for _, end in words]
    for (start, end), score in zip(offsets, scores, strict=True):
        if start == end:
            continue  # a special token, or one that stands for nothing visible
        place = int(np.searchsorted(ends, start, side="right"))
        if place < len(words):
            sums[place] += float(score)
    return [Word(*span, score) for span, score in zip(words, sums, strict=True)]
