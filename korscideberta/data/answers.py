"""From the logits of windows to answers: the likeliest spans of a question's context, mapped back to its characters.

Shapes: L tokens of a window, n pieces of the context in it, m pieces an answer may have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from korscideberta.data.questions import Question, Span
from korscideberta.data.windows import Context, Window


@dataclass(frozen=True)
class Candidate:
    """A possible answer; `start` and `end` are its characters in the context, half-open."""

    text: str
    start: int
    end: int
    score: float
    """The sum of the logits of its first and its last piece."""


@dataclass(frozen=True)
class Answers:
    """The likeliest answers to a question, best first, and what speaks against answering at all."""

    best: tuple[Candidate, ...]
    """Empty where no span will do."""
    none: float
    """The score of no answer: the lowest sum of the logits of `[CLS]` in any window."""

    @property
    def no_answer(self) -> float:
        """How much more likely no answer is than the best one: the difference of their scores, to six decimals.

        Rounded, so that it is the same on either side of a threshold after it was written to a file.
        """
        return round(self.none - self.best[0].score, 6) if self.best else float(np.finfo(np.float32).max)

    def probabilities(self, *, with_none: bool) -> tuple[list[float], float]:
        """Softmax over the scores of `best` and, `with_none`, of no answer, whose own probability comes second."""
        scores = np.array([*(candidate.score for candidate in self.best), *([self.none] if with_none else [])])
        if not scores.size:
            return [], 1.0
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        count = len(self.best)
        return shares[:count].tolist(), float(shares[count]) if with_none else 0.0


def answer_question(
    question: Question,
    context: Context,
    logits: Iterable[tuple[Window, NDArray[np.float32]]],
    *,
    count: int,
    most_pieces: int,
) -> Answers:
    """Return the `count` likeliest answers; a text that stands in several places is one answer, at its best place.

    Args:
        question: the question; where it names candidates, only they are answers.
        context: its context's pieces.
        logits: the windows over the context with their (L, 2) logits of start and end.
        count: how many answers to return at most, at least 1.
        most_pieces: how many pieces an answer may have; candidates may have any number.
    """
    found: dict[Span, float] = {}
    none = np.inf
    for window, logits_L2 in logits:
        none = min(none, float(logits_L2[0].sum()))
        logits_n2 = logits_L2[window.offset : window.offset + window.end - window.start].astype(np.float64)
        spans_n2 = context.spans[window.start : window.end]
        if question.candidates is None:
            scored = best_spans(logits_n2, spans_n2, count, most_pieces)
        else:
            scored = candidate_spans(logits_n2, window, context, question.candidates)
        for span, score in scored:
            found[span] = max(score, found.get(span, -np.inf))
    best: dict[str, Candidate] = {}
    for (start, end), score in sorted(found.items(), key=lambda entry: (-entry[1], entry[0])):
        text = question.context[start:end]
        best.setdefault(text, Candidate(text, start, end, score))
    return Answers(tuple(best.values())[:count], none)


def best_spans(
    logits_n2: NDArray[np.float64], spans_n2: NDArray[np.int32], count: int, most_pieces: int
) -> list[tuple[Span, float]]:
    """Return the `count` spans of at most `most_pieces` pieces with the highest scores, in characters.

    No span begins or ends with a piece that stands for no character.
    """
    visible_n = spans_n2[:, 0] < spans_n2[:, 1]
    start_n = np.where(visible_n, logits_n2[:, 0], -np.inf)
    end_n = np.where(visible_n, logits_n2[:, 1], -np.inf)
    if not len(start_n):
        return []
    beyond = np.full(most_pieces - 1, -np.inf)
    # Row i, column j: a span from piece i to piece i + j.
    score_nm = start_n[:, None] + np.lib.stride_tricks.sliding_window_view(np.append(end_n, beyond), most_pieces)
    scores = score_nm.ravel()
    return [
        ((int(spans_n2[first, 0]), int(spans_n2[first + more, 1])), float(scores[place]))
        for place in _highest(scores, min(count, scores.size)).tolist()
        if scores[place] > -np.inf
        for first, more in (divmod(place, most_pieces),)
    ]


def _highest(scores: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Indices of the `count` highest scores; of equal ones the first."""
    least = np.partition(scores, scores.size - count)[scores.size - count]
    above, equal = np.flatnonzero(scores > least), np.flatnonzero(scores == least)
    return np.concatenate([above, equal[: count - above.size]])


def candidate_spans(
    logits_n2: NDArray[np.float64], window: Window, context: Context, candidates: Sequence[Span]
) -> list[tuple[Span, float]]:
    """Score those of the candidates that the window holds whole."""
    scored = []
    for span in candidates:
        places = context.places(span)
        if places is not None and window.start <= places[0] and places[1] < window.end:
            first, last = (place - window.start for place in places)
            scored.append((span, float(logits_n2[first, 0] + logits_n2[last, 1])))
    return scored
