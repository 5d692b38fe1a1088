"""Examples to token ids, labels to target distributions."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from korscideberta.data.cache import entry_name, read_entry, write_entry
from korscideberta.data.examples import Example
from korscideberta.data.on_demand import OnDemand
from korscideberta.errors import DataError
from korscideberta.nearest import nearest
from korscideberta.tokenization.encoded_rows import EncodedRows
from korscideberta.tokenization.parallel import Workers, encode_rows, worthwhile_workers
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

logger = logging.getLogger(__name__)


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


class EncodedExamples(OnDemand[EncodedExample]):
    """Encoded examples held as flat arrays; each `EncodedExample` is made when it is asked for."""

    def __init__(self, rows: EncodedRows, golds: Sequence[tuple[int, ...]]) -> None:
        self.rows = rows
        self.golds = golds
        """The gold labels of each example, () where they were not looked at."""
        self.lengths: list[int] = rows.lengths.tolist()
        """How many tokens each example has."""
        self._ends = np.cumsum(rows.lengths, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.rows)

    def item(self, index: int) -> EncodedExample:
        """The example with that number."""
        length, first = int(self.rows.lengths[index]), int(self.rows.firsts[index])
        return EncodedExample(
            tuple(self.ids(index).tolist()), (0,) * first + (1,) * (length - first), self.golds[index]
        )

    def ids(self, index: int) -> NDArray[np.int32]:
        """The token ids of an example, specials included."""
        end = int(self._ends[index])
        return self.rows.ids[end - int(self.rows.lengths[index]) : end]


def token_counts(examples: Sequence[EncodedExample]) -> list[int]:
    """How many tokens each example has, specials included."""
    known: list[int] | None = getattr(examples, "lengths", None)
    return known if known is not None else [len(example.input_ids) for example in examples]


def encode_examples(
    examples: Sequence[Example],
    tokenizer: DebertaV2Tokenizer,
    labels: Sequence[str] | None,
    max_length: int | None,
    *,
    workers: Workers = "auto",
    cache: Path | None = None,
) -> EncodedExamples:
    """Tokenize examples, cut to `max_length` tokens or, with None, whole; with `labels` None gold ones are not read.

    Args:
        examples: texts or pairs of texts.
        tokenizer: what cuts them.
        labels: names of the labels in the order of their indices.
        max_length: tokens of an example at most, specials included; None is any number.
        workers: processes; `auto` is one for each processor where there are enough texts to repay it.
        cache: folder in which encoded data sets are kept and looked for; None keeps none.
    """
    index_of = {label: index for index, label in enumerate(labels or ())}
    golds = [label_indices(example, index_of) if labels is not None else () for example in examples]
    rows = [(example.text, example.text_pair) for example in examples]
    entry = None
    if cache is not None:
        entry = cache / entry_name(rows, tokenizer.fingerprint()["digest"], max_length)
        if (kept := read_entry(entry)) is not None:
            logger.info("%s encoded examples read from %s", f"{len(rows):,}", entry)
            return EncodedExamples(EncodedRows(*kept), golds)
    processes = worthwhile_workers(workers, sum(len(text) + len(pair or "") for text, pair in rows))
    encoded = EncodedRows.join(list(encode_rows(tokenizer, rows, max_length=max_length, workers=processes)))
    if entry is not None:
        write_entry(entry, (encoded.ids, encoded.lengths, encoded.firsts))
        logger.info("%s examples encoded and kept in %s", f"{len(rows):,}", entry)
    return EncodedExamples(encoded, golds)


def target_distribution(
    gold: Sequence[tuple[int, ...]], num_labels: int, targets: str = "uniform"
) -> NDArray[np.float32]:
    """Return (N, num_labels) targets of gold labels, primary first.

    `uniform` shares the mass of an example equally among its labels, `rank` in the proportion of 1, 1/2, 1/3 …,
    `primary` gives all to the first; `multi-label` gives each a mass of 1.
    """
    targets_NC = np.zeros((len(gold), num_labels), dtype=np.float32)
    for row, indices in enumerate(gold):
        targets_NC[row, list(indices)] = _weights(len(indices), targets)
    return targets_NC


def _weights(count: int, targets: str) -> NDArray[np.float64]:
    if targets == "multi-label":
        return np.ones(count)
    places = np.arange(1, count + 1)
    weights = {"uniform": np.ones(count), "rank": 1.0 / places, "primary": (places == 1).astype(np.float64)}[targets]
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares
