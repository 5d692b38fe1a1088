"""What training on questions minimises; see `losses` for the protocol.

Shapes: B windows or questions, L tokens of the longest window, T tokens of all windows, A answers a question.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from korscideberta.data.batching import Batch
from korscideberta.data.choices import MISSING
from korscideberta.training.losses import symmetric_kl


class SpanLoss:
    """The mean cross-entropy of an answer's first and last place in its window, as in DebertaV2ForQuestionAnswering."""

    def weight(self, batch: Batch) -> float:
        """Return the number of windows."""
        return float(len(batch))

    def __call__(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the loss summed over the windows; logits are packed, (T, 2)."""
        assert batch.targets is not None, "training needs gold answers"
        ends = [*batch.starts[1:].tolist(), logits.shape[0]]
        lengths = [end - start for start, end in zip(batch.starts.tolist(), ends, strict=True)]
        lowest = torch.finfo(torch.float32).min
        logits_BL2 = pad_sequence(list(torch.split(logits.float(), lengths)), batch_first=True, padding_value=lowest)
        return F.cross_entropy(logits_BL2, batch.targets, reduction="sum") / 2

    def change(self, first: Tensor, second: Tensor) -> Tensor:
        """Adversarial training is not to be had: logits alone do not tell where a window ends."""
        raise NotImplementedError


class ChoiceLoss:
    """Cross-entropy over the answers to a question; an answer whose target is `MISSING` has no part in it."""

    def weight(self, batch: Batch) -> float:
        """Return the number of questions."""
        return float(len(batch))

    def __call__(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the loss of (B, A) logits summed over the questions."""
        assert batch.targets is not None, "training needs gold answers"
        missing_BA = batch.targets == MISSING
        logits_BA = logits.float().masked_fill(missing_BA, torch.finfo(torch.float32).min)
        return -(F.log_softmax(logits_BA, dim=-1) * batch.targets.clamp(min=0)).sum()

    def change(self, first: Tensor, second: Tensor) -> Tensor:
        """The symmetric KL of two (B, A) logits; texts that fill up a batch take part."""
        return symmetric_kl(first, second)
