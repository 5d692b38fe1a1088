"""Streams of examples in windows, so that what is held does not grow with the file."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from korscideberta.data.examples import BaseExample
from korscideberta.data.features import Features, Limits
from korscideberta.prediction.known import KnownInputs, Slot
from korscideberta.tokenization.processes import map_ordered
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.training.kinds import Kind

ROWS = 2048
"""Examples of a window at most."""
CHARACTERS = 2_000_000
"""Characters after which a window ends."""


@dataclass(frozen=True)
class Window:
    """Consecutive examples and where their predictions will stand."""

    examples: list[Any]
    slots: list[Slot]
    """One an example; equal inputs share one."""
    fresh: list[Any]
    """The examples whose predictions are to be made."""
    fresh_slots: list[Slot]
    known: KnownInputs
    """What is known when this window is done."""


def windows(examples: Iterable[Any], kind: Kind[Any, Any], known: KnownInputs) -> Iterator[Window]:
    """Cut a stream into windows; where one ends depends on the examples alone."""
    for part in _parts(examples, kind):
        slots, fresh, fresh_slots = [], [], []
        for example in part:
            value = kind.input_of(example)
            slot, new = (Slot(), True) if value is None else known.slot(value)
            slots.append(slot)
            if new:
                fresh.append(example)
                fresh_slots.append(slot)
        known.forget()
        yield Window(part, slots, fresh, fresh_slots, known.copy())


def encoded(
    stream: Iterable[Window], kind: Kind[Any, Any], tokenizer: DebertaV2Tokenizer, limits: Limits, *, workers: int
) -> Generator[tuple[Window, Features | None]]:
    """Yield each window with its fresh examples encoded, None where there are none.

    A stream of more than one window is encoded ahead by `workers` processes beside this one; they end with the
    generator.
    """
    iterator = iter(stream)
    begin = list(islice(iterator, 2))
    sent: deque[Window] = deque()

    def fresh() -> Iterator[list[Any]]:
        for window in chain(begin, iterator):
            sent.append(window)
            yield window.fresh

    start: Callable[[], Callable[[list[Any]], Features | None]] = functools.partial(_encoder, kind, tokenizer, limits)
    apart = len(begin) > 1 and workers > 0
    for features in map_ordered(start, fresh(), max(1, workers) if apart else 1, apart=apart):
        yield sent.popleft(), features


def _parts(examples: Iterable[BaseExample], kind: Kind[Any, Any]) -> Iterator[list[BaseExample]]:
    part: list[BaseExample] = []
    characters = 0
    for example in examples:
        part.append(example)
        characters += sum(map(len, kind.texts(example)))
        if len(part) == ROWS or characters >= CHARACTERS:
            yield part
            part, characters = [], 0
    if part:
        yield part


def _encoder(
    kind: Kind[Any, Any], tokenizer: DebertaV2Tokenizer, limits: Limits
) -> Callable[[Sequence[Any]], Features | None]:
    return lambda examples: kind.encode(examples, tokenizer, limits, labelled=False) if examples else None
