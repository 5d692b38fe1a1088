"""Multiple choice: a question and its answers, of which one is right.

Shapes: B questions of a batch, A answers a question, T tokens of all answers together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch

from korscideberta.data.batching import Batch, pack
from korscideberta.data.encoding import EncodedExample, EncodedExamples, token_counts
from korscideberta.data.examples import BaseExample

MISSING = -1.0
"""The target of an answer that other questions of the batch have and this one has not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice(BaseExample):
    """A question with its answers."""

    pairs: tuple[tuple[str, str], ...]
    """What is read for each answer: a text and a second one."""
    answers: tuple[str, ...]
    """The answers as people should read them."""
    gold: int | None = None
    """The number of the right answer, from 0; None where it is not known."""


@dataclass(frozen=True)
class ChoiceBatch(Batch):
    """The answers of the questions, one after another; targets are (B, A), 1 for the right one, `MISSING` for none."""

    answers: int = 0
    """A"""

    @property
    def inputs(self) -> dict[str, Any]:
        """The arguments of the model's `forward`."""
        return {**super().inputs, "answers": self.answers}

    def __len__(self) -> int:
        """B, the number of questions."""
        return self.starts.shape[0] // self.answers


class ChoiceFeatures:
    """One feature a question.

    A question of fewer answers than others of its batch is filled up with `filling`.

    Args:
        encoded: all answers of all questions, one after another.
        counts: how many answers each question has.
        golds: the number of each question's right answer; None leaves targets out.
        filling: what stands for an answer that is not there.
    """

    def __init__(
        self, encoded: EncodedExamples, counts: Sequence[int], golds: Sequence[int] | None, filling: EncodedExample
    ) -> None:
        self.counts = counts
        self._encoded = encoded
        self._golds = golds
        self._filling = filling
        self._ends = list(accumulate(counts))
        tokens = token_counts(encoded)
        self.lengths = [sum(tokens[end - count : end]) for end, count in zip(self._ends, counts, strict=True)]
        self.owners = range(len(counts))

    def __len__(self) -> int:
        return len(self.counts)

    def batch(self, indices: Sequence[int]) -> ChoiceBatch:
        """Make a batch of these questions, in this order."""
        most = max(self.counts[i] for i in indices)
        rows: list[EncodedExample] = []
        targets_BA = torch.full((len(indices), most), MISSING)
        for row, i in enumerate(indices):
            count, end = self.counts[i], self._ends[i]
            rows += [*self._encoded[end - count : end], *[self._filling] * (most - count)]
            targets_BA[row, :count] = 0.0
            if self._golds is not None:
                targets_BA[row, self._golds[i]] = 1.0
        packed = pack(rows, None)
        return ChoiceBatch(
            packed.input_ids,
            packed.token_type_ids,
            packed.starts,
            None if self._golds is None else targets_BA,
            answers=most,
        )
