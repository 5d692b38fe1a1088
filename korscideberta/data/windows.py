"""Questions as token sequences: each context in as many overlapping windows as it takes.

Shapes: B batch, L tokens of a window, n tokens of a context or of the part of it in a window.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from korscideberta.data.batching import Batch, pack
from korscideberta.data.cache import entry_name, read_entry, write_entry
from korscideberta.data.encoding import EncodedExample
from korscideberta.data.features import Limits
from korscideberta.data.questions import PLACEHOLDER, Question, Span
from korscideberta.errors import DataError
from korscideberta.tokenization.parallel import PlacedTexts, Workers, encode_placed
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.tokenization.truncation import windows

logger = logging.getLogger(__name__)

_SPECIALS = 3
"""`[CLS]` and two `[SEP]`."""


@dataclass(frozen=True)
class Context:
    """The pieces of a context without special tokens, and the characters each stands for."""

    ids: NDArray[np.int32]
    """(n,)"""
    spans: NDArray[np.int32]
    """(n, 2), half-open; both columns never decrease"""

    def places(self, span: Span) -> Span | None:
        """The first and the last piece that have a character of the span in common; None where there is none."""
        start, end = span
        inside = np.flatnonzero((self.spans[:, 0] < end) & (self.spans[:, 1] > start))
        return (int(inside[0]), int(inside[-1])) if inside.size else None


@dataclass(frozen=True)
class Window:
    """A question with a part of its context: `[CLS] question [SEP] part [SEP]`."""

    question: int
    """The number of the question."""
    start: int
    """The first piece of the context that is in the window."""
    end: int
    """The piece behind the last one."""
    offset: int
    """The place of piece `start` in the sequence."""


class WindowFeatures:
    """Windows over the contexts of questions, in the order of the questions.

    Targets are (B, 2), the places of the answer's first and last piece in the sequence; 0 and 0, that of `[CLS]`, where
    the window does not hold an answer whole.

    Args:
        questions: the questions.
        question_ids: the pieces of each question.
        contexts: the pieces of each question's context; questions about the same text may share them.
        tokenizer: knows the special tokens.
        limits: tokens of a window and from the beginning of one to that of the next.
        labelled: whether there are targets.

    Raises:
        DataError: a question is so long that its windows cannot move on by `doc_stride` and leave nothing out.
    """

    def __init__(
        self,
        questions: Sequence[Question],
        question_ids: Sequence[Sequence[int]],
        contexts: Sequence[Context],
        tokenizer: DebertaV2Tokenizer,
        limits: Limits,
        *,
        labelled: bool,
    ) -> None:
        max_length, doc_stride = limits.max_length, limits.doc_stride
        self.limits = limits
        self.questions = questions
        self.contexts = contexts
        self.windows: list[Window] = []
        self._question_ids = question_ids
        self._tokenizer = tokenizer
        self._targets: list[Span] | None = [] if labelled else None
        for number, (question, ids, context) in enumerate(zip(questions, question_ids, contexts, strict=True)):
            room, whole = max_length - len(ids) - _SPECIALS, len(context.ids)
            if room < min(whole, doc_stride):
                raise DataError(
                    f"{question.origin or question.id}: the question has {len(ids)} tokens; windows of {max_length} "
                    f"leave {max(room, 0)} for the context, and {min(whole, doc_stride)} are needed; shorten the "
                    "question, raise --max-length or lower --doc-stride"
                )
            stride = 0 if whole <= room else room - doc_stride
            answers = [places for span in question.answers if (places := context.places(span))] if labelled else []
            for start, end in windows(whole, room, stride):
                self.windows.append(Window(number, start, end, len(ids) + 2))
                if self._targets is not None:
                    self._targets.append(target(answers, self.windows[-1]))
        self.lengths = [window.offset + window.end - window.start + 1 for window in self.windows]
        self.owners = [window.question for window in self.windows]

    def __len__(self) -> int:
        return len(self.windows)

    def batch(self, indices: Sequence[int]) -> Batch:
        """Make a batch of these windows, in this order."""
        targets = None
        if self._targets is not None:
            targets = torch.tensor([self._targets[i] for i in indices], dtype=torch.int64)
        return pack([self._encoded(self.windows[i]) for i in indices], targets)

    def _encoded(self, window: Window) -> EncodedExample:
        first = (self._tokenizer.cls_token_id, *self._question_ids[window.question], self._tokenizer.sep_token_id)
        part = self.contexts[window.question].ids[window.start : window.end].tolist()
        ids = (*first, *part, self._tokenizer.sep_token_id)
        return EncodedExample(ids, (0,) * len(first) + (1,) * (len(part) + 1), ())


def target(answers: Sequence[Span], window: Window) -> Span:
    """The places, in the sequence, of the first of the answers (first and last piece) that the window holds whole."""
    for first, last in answers:
        if window.start <= first and last < window.end:
            return window.offset + first - window.start, window.offset + last - window.start
    return 0, 0


def encode_questions(
    questions: Sequence[Question],
    tokenizer: DebertaV2Tokenizer,
    limits: Limits,
    *,
    labelled: bool,
    workers: Workers = "auto",
    cache: Path | None = None,
) -> WindowFeatures:
    """Encode questions and cut their contexts into windows; arguments as in `WindowFeatures` and `encode_examples`.

    Windows are those of `tokenizer(question, context, truncation="only_second", stride=…, return_overflowing_tokens=
    True)`; a context is encoded once, however many questions there are about it.
    """
    texts = list(dict.fromkeys(question.context for question in questions))
    context_of = dict(zip(texts, _encoded_contexts(texts, tokenizer, workers, cache), strict=True))
    asked = list(dict.fromkeys(question.question for question in questions))
    ids_of = dict(zip(asked, _encoded_questions(asked, tokenizer), strict=True))
    return WindowFeatures(
        questions,
        [ids_of[question.question] for question in questions],
        [context_of[question.context] for question in questions],
        tokenizer,
        limits,
        labelled=labelled,
    )


def _encoded_questions(texts: Sequence[str], tokenizer: DebertaV2Tokenizer) -> list[list[int]]:
    """Encode questions; a gap becomes `[MASK]`."""
    parts = [text.split(PLACEHOLDER) for text in texts]
    flat = [part for line in parts for part in line]
    ids = iter(tokenizer.encode_flat(flat).lists())
    encoded = []
    for line in parts:
        joined = next(ids)
        for _ in line[1:]:
            joined += [tokenizer.mask_token_id, *next(ids)]
        encoded.append(joined)
    return encoded


def _encoded_contexts(
    texts: Sequence[str], tokenizer: DebertaV2Tokenizer, workers: Workers, cache: Path | None
) -> list[Context]:
    entry = None
    placed: PlacedTexts | None = None
    if cache is not None:
        entry = cache / entry_name([(text, None) for text in texts], tokenizer.fingerprint()["digest"], "spans")
        if (kept := read_entry(entry)) is not None:
            logger.info("%s encoded contexts read from %s", f"{len(texts):,}", entry)
            placed = PlacedTexts(kept[0], kept[1], kept[2].reshape(-1, 2))
    if placed is None:
        placed = encode_placed(tokenizer, texts, workers=workers)
        if entry is not None:
            write_entry(entry, placed)
            logger.info("%s contexts encoded and kept in %s", f"{len(texts):,}", entry)
    ends = np.cumsum(placed.lengths, dtype=np.int64).tolist()
    return [
        Context(placed.ids[start:end], placed.spans[start:end]) for start, end in zip([0, *ends], ends, strict=False)
    ]
