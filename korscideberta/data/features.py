"""Data sets as a model takes them: numbered sequences of tokens that are made into batches when they are asked for.

Shapes: B batch, N examples, F features of them, C labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from korscideberta.data.batching import Batch, collate, pack
from korscideberta.data.encoding import EncodedExample, token_counts
from korscideberta.data.limits import Limits
from korscideberta.data.long_texts import Cut, CutExamples

__all__ = ["ClassificationFeatures", "Features", "Limits", "SequenceFeatures"]


class Features(Protocol):
    """An encoded data set. An example gives one feature, or several where it is cut into windows."""

    @property
    def lengths(self) -> Sequence[int]:
        """Tokens of each feature; of multiple choice, of all its answers together."""

    @property
    def owners(self) -> Sequence[int]:
        """The number of the example each feature is of."""

    def __len__(self) -> int:
        """How many features there are."""

    def batch(self, indices: Sequence[int]) -> Batch:
        """Make a batch of these features, in this order, with targets where gold labels are known."""


class SequenceFeatures:
    """Whole texts or pairs, one feature each, or several of those that are read in windows.

    Args:
        examples: encoded examples, or features of them that are cut to a length.
        targets: gives the targets of the examples with these numbers, a row for each; None leaves them out.
    """

    def __init__(
        self,
        examples: Sequence[EncodedExample],
        targets: Callable[[Sequence[int]], Tensor] | None = None,
    ) -> None:
        self.examples = examples
        self.lengths = token_counts(examples)
        self.owners = examples.owners if isinstance(examples, CutExamples) else range(len(examples))
        self._targets = targets

    @property
    def cut(self) -> Cut:
        """How many texts were too long."""
        return self.examples.cut if isinstance(self.examples, CutExamples) else Cut(len(self.examples), 0, 0)

    def __len__(self) -> int:
        return len(self.examples)

    def batch(self, indices: Sequence[int]) -> Batch:
        """Make a batch of these features, in this order, with targets where gold labels are known."""
        targets = None if self._targets is None else self._targets([self.owners[i] for i in indices])
        return pack([self.examples[i] for i in indices], targets)

    def pooled(self, logits_FC: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the (N, C) logits of the examples from those of the F features."""
        return self.examples.pooled(logits_FC) if isinstance(self.examples, CutExamples) else logits_FC


class ClassificationFeatures(SequenceFeatures):
    """Whole texts or pairs, whose targets (B, C) are their gold labels', as in `target_distribution`."""

    def __init__(self, examples: Sequence[EncodedExample], num_labels: int, kind_of_targets: str = "uniform") -> None:
        super().__init__(examples)
        self._num_labels = num_labels
        self._kind_of_targets = kind_of_targets

    def batch(self, indices: Sequence[int]) -> Batch:
        """Make a batch of these features, in this order."""
        return collate([self.examples[i] for i in indices], self._num_labels, self._kind_of_targets)
