"""Examples to token ids, labels to target distributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from korscideberta.data.examples import Example
from korscideberta.errors import DataError
from korscideberta.nearest import nearest
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

_CHUNK = 1024


@dataclass(frozen=True)
class EncodedExample:
    """Token ids of one example (specials included), its token types, and the indices of its gold labels."""

    input_ids: tuple[int, ...]
    token_type_ids: tuple[int, ...]
    gold: tuple[int, ...]


def label_indices(example: Example, index_of: dict[str, int]) -> tuple[int, ...]:
    """Return the gold labels as indices, primary first.

    Raises:
        DataError: the example has no label, or one the model does not know; file and line are named.
    """
    if not example.labels:
        raise DataError(f"{example.origin}: the label is empty")
    indices = []
    for label in example.labels:
        if label not in index_of:
            raise DataError(f"{example.origin}: unknown label {label!r}; {nearest(label, index_of)}")
        indices.append(index_of[label])
    return tuple(indices)


def check_labels(examples: Sequence[Example], labels: Sequence[str]) -> None:
    """Raise DataError, naming file and line, at the first example whose label is empty or not among `labels`."""
    index_of = {label: index for index, label in enumerate(labels)}
    for example in examples:
        label_indices(example, index_of)


def encode_examples(
    examples: Sequence[Example], tokenizer: DebertaV2Tokenizer, labels: Sequence[str] | None, max_length: int
) -> list[EncodedExample]:
    """Tokenize examples, cut to `max_length` tokens; with `labels` None gold labels are not looked at."""
    index_of = {label: index for index, label in enumerate(labels or ())}
    golds = [label_indices(example, index_of) if labels is not None else () for example in examples]
    encoded: list[EncodedExample] = []
    for start in range(0, len(examples), _CHUNK):
        chunk = examples[start : start + _CHUNK]
        tokens = tokenizer(
            [example.text for example in chunk],
            [example.text_pair for example in chunk],
            truncation="longest_first",
            max_length=max_length,
        )
        for ids, types, gold in zip(tokens["input_ids"], tokens["token_type_ids"], golds[start:], strict=False):
            encoded.append(EncodedExample(tuple(ids), tuple(types), gold))
    return encoded


def target_distribution(gold: Sequence[tuple[int, ...]], num_labels: int) -> NDArray[np.float32]:
    """Return (N, num_labels) targets that share the mass of each example equally among its gold labels."""
    targets = np.zeros((len(gold), num_labels), dtype=np.float32)
    for row, indices in enumerate(gold):
        targets[row, list(indices)] = 1.0 / len(indices)
    return targets
