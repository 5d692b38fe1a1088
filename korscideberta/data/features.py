"""Data sets as a model takes them: numbered sequences of tokens that are made into batches when they are asked for.

Shapes: B batch, C labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from korscideberta.data.batching import Batch, collate, pack
from korscideberta.data.encoding import EncodedExample, token_counts
from korscideberta.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How examples are cut to what a model can take."""

    max_length: int
    """Tokens of a sequence at most, specials included."""
    doc_stride: int = 128
    """Tokens by which neighbouring windows of a long text are moved on, where a head works in windows."""
    max_answer_length: int = 30
    """Pieces of an answer at most, where a head looks for one in a text."""

    def __post_init__(self) -> None:
        for name in ("doc_stride", "max_answer_length"):
            if getattr(self, name) < 1:
                raise ConfigError(f"--{name.replace('_', '-')} {getattr(self, name)}: must be 1 or more")


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
    """One feature an example, whose targets have a row for each.

    Args:
        examples: encoded examples.
        targets: gives the targets of the features with these numbers; None leaves them out.
    """

    def __init__(
        self,
        examples: Sequence[EncodedExample],
        targets: Callable[[Sequence[int]], Tensor] | None = None,
    ) -> None:
        self.examples = examples
        self.lengths = token_counts(examples)
        self.owners = range(len(examples))
        self._targets = targets

    def __len__(self) -> int:
        return len(self.examples)

    def batch(self, indices: Sequence[int]) -> Batch:
        """Make a batch of these features, in this order, with targets where gold labels are known."""
        targets = None if self._targets is None else self._targets(indices)
        return pack([self.examples[i] for i in indices], targets)


class ClassificationFeatures(SequenceFeatures):
    """One feature an example, whose targets (B, C) are its gold labels', as in `target_distribution`."""

    def __init__(self, examples: Sequence[EncodedExample], num_labels: int, kind_of_targets: str = "uniform") -> None:
        super().__init__(examples)
        self._num_labels = num_labels
        self._kind_of_targets = kind_of_targets

    def batch(self, indices: Sequence[int]) -> Batch:
        """Make a batch of these features, in this order."""
        return collate([self.examples[i] for i in indices], self._num_labels, self._kind_of_targets)
