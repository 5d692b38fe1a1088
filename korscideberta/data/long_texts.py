"""Texts that are longer than what a model reads: cut off, cut into windows, or kept at both ends.

Shapes: N texts or pairs, F features of them, C labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from korscideberta.data.encoding import EncodedExample, EncodedExamples, encode_examples
from korscideberta.data.examples import Example
from korscideberta.data.limits import Limits
from korscideberta.data.on_demand import OnDemand
from korscideberta.errors import ConfigError
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.tokenization.truncation import kept_lengths, room_beside, windows

_HEAD, _WHOLE = 128, 510
"""Of 510 tokens Sun et al. 2019 (How to Fine-Tune BERT for Text Classification, arXiv 1905.05583, section 5.3.1) keep
the first 128 and the last 382, which did better than either end alone."""

Part = tuple[int, int, int, int]
"""What is read of a text: the ids from the first place to the second, and from the third to the fourth."""


@dataclass(frozen=True)
class Cut:
    """How many texts were too long, for messages."""

    texts: int
    """All texts."""
    long: int
    """Those that a model cannot read at once."""
    windows: int
    """The windows over the long ones; as many as these where they are not cut into windows."""

    def told(self, long: str, max_length: int) -> str:
        """Say what became of the long ones under those limits."""
        share = f" ({self.long / self.texts:.1%})" if self.long >= self.texts / 1000 else ""
        became = {
            "truncate": "and lose their end; --long windows reads all of it, --long head-tail beginning and end",
            "windows": f"and are read in {self.windows:,} windows",
            "head-tail": "and are read at their beginning and their end",
        }
        return (
            f"{self.long:,} of {self.texts:,} training texts{share} have more than {max_length} tokens {became[long]}"
        )


class CutExamples(OnDemand[EncodedExample]):
    """Features of texts and pairs, each short enough; a text has several where it is read in windows.

    Windows move over the first text. The second one of a pair is in each of them, cut to half the room where it would
    leave the first less than that.

    Args:
        whole: the texts, uncut.
        limits: how long a feature may be, and what becomes of longer texts.

    Raises:
        ConfigError: special tokens leave no room for texts.
    """

    def __init__(self, whole: EncodedExamples, limits: Limits) -> None:
        self.whole = whole
        lengths, firsts = whole.rows.lengths, whole.rows.firsts
        self._parts: dict[int, tuple[Part, Part]] = {}
        """Of the features that are not a whole text."""
        long = np.flatnonzero(lengths > limits.max_length).tolist()
        counts = np.ones(len(whole), dtype=np.int64)
        cut: list[list[tuple[Part, Part]]] = []
        for text in long:
            first, second = int(firsts[text]) - 2, max(0, int(lengths[text] - firsts[text]) - 1)
            room = room_beside(3 if lengths[text] > firsts[text] else 2, limits.max_length)
            cut.append(_features(first, second, room, limits))
            counts[text] = len(cut[-1])
        self.owners: Sequence[int] = range(len(whole))
        if limits.long == "windows" and long:
            owners: list[int] = np.repeat(np.arange(len(whole)), counts).tolist()
            self.owners = owners
        starts = np.cumsum(counts) - counts
        found = np.repeat(lengths, counts)
        self._own = np.ones(len(found), dtype=np.float64)
        """(F,) tokens of the first text that no window of it before has, 1 where there is only one."""
        for text, features in zip(long, cut, strict=True):
            seen = 0
            for feature, parts in enumerate(features, start=int(starts[text])):
                self._parts[feature] = parts
                left = sum(sum(part[1::2]) - sum(part[::2]) for part in parts)
                found[feature] = left + (3 if lengths[text] > firsts[text] else 2)
                self._own[feature] = max(1, parts[0][1] - seen)
                seen = parts[0][1]
        self._starts = starts
        self.lengths: list[int] = found.tolist()
        self.cut = Cut(len(whole), len(long), sum(map(len, cut)))

    def __len__(self) -> int:
        return len(self.lengths)

    def item(self, index: int) -> EncodedExample:
        """The feature with that number."""
        text = self.owners[index]
        parts = self._parts.get(index)
        if parts is None:
            return self.whole[text]
        ids, begin = self.whole.ids(text), int(self.whole.rows.firsts[text])
        first = [int(ids[0]), *_read(ids[1 : begin - 1], parts[0]), int(ids[begin - 1])]
        second = [*_read(ids[begin:-1], parts[1]), int(ids[-1])] if begin < len(ids) else []
        return EncodedExample((*first, *second), (0,) * len(first) + (1,) * len(second), self.whole.golds[text])

    def pooled(self, logits_FC: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the (N, C) logits of the texts: the mean of those of their windows, weighted by what each adds.

        Tokens that windows share count for the first of them. A text of one feature keeps its logits bit by bit.
        """
        if len(self) == len(self.whole):
            return logits_FC
        sums_NC = np.add.reduceat(logits_FC * self._own[:, None], self._starts)
        pooled: NDArray[np.float32] = (sums_NC / np.add.reduceat(self._own, self._starts)[:, None]).astype(np.float32)
        return pooled


def encode_texts(
    examples: Sequence[Example],
    tokenizer: DebertaV2Tokenizer,
    labels: Sequence[str] | None,
    limits: Limits,
    *,
    cache: Path | None = None,
) -> CutExamples:
    """Encode texts and pairs whole, then cut what is too long; arguments as of `encode_examples`.

    What the cache keeps is whole, so that it serves whatever the limits are.
    """
    return CutExamples(encode_examples(examples, tokenizer, labels, None, cache=cache), limits)


def _features(first: int, second: int, room: int, limits: Limits) -> list[tuple[Part, Part]]:
    """What the features of a pair of so many ids hold of either text; `second` is 0 where there is none."""
    if limits.long == "windows":
        kept = min(second, max(room // 2, room - first))
        beside = room - kept
        if beside < 1 and first:
            raise ConfigError(f"--max-length {limits.max_length}: leaves no room beside the special tokens; raise it")
        spans = windows(first, beside, max(0, beside - limits.doc_stride) if first > beside else 0)
        return [((start, end, 0, 0), (0, kept, 0, 0)) for start, end in spans]
    kept_first, kept_second = kept_lengths(first, second, room, "longest_first") if second else (min(first, room), 0)
    return [(_ends(first, kept_first, limits), _ends(second, kept_second, limits))]


def _ends(length: int, kept: int, limits: Limits) -> Part:
    """What is kept of a text of which so many ids are."""
    head = kept if kept == length or limits.long == "truncate" else kept * _HEAD // _WHOLE
    return 0, head, length - (kept - head), length


def _read(ids: NDArray[np.int32], part: Part) -> list[int]:
    read: list[int] = ids[part[0] : part[1]].tolist() + ids[part[2] : part[3]].tolist()
    return read
