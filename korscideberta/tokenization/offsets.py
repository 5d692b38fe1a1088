"""Where each piece stands in the text that was given.

Every step that comes before the pieces is followed on an `Aligned` text, one that knows for each of its characters
which span of the original it stands for. Only callers who ask for offsets pay for this.
"""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from korscideberta.normalize import Step, Substitution, compose, normalization_steps
from korscideberta.tokenization.pieces import Pieces

Span = tuple[int, int]


@dataclass(frozen=True)
class Aligned:
    """A text and, for each of its characters, the half-open span of the original text that it stands for.

    Spans are counted in characters of the original. `starts` never decreases, nor does `ends` over spans that are not
    empty; the span of a character that was put in is.
    """

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    @classmethod
    def identity(cls, text: str) -> Aligned:
        """`text` as its own original."""
        return cls(text, range(len(text)), range(1, len(text) + 1))

    def span(self, start: int, end: int) -> Span:
        """The span of the original that `text[start:end]` stands for, characters that were put in left out."""
        while start < end and self.starts[start] == self.ends[start]:
            start += 1
        while start < end and self.starts[end - 1] == self.ends[end - 1]:
            end -= 1
        if start < end:
            return self.starts[start], self.ends[end - 1]
        place = self.place(start)
        return place, place

    def place(self, index: int) -> int:
        """Where in the original the character `index` begins, or the text ends."""
        if index < len(self.text):
            return self.starts[index]
        return self.ends[-1] if self.text else 0


class _Builder:
    """An aligned text in the making, out of parts of `source` in their order."""

    def __init__(self, source: Aligned) -> None:
        self.source = source
        self._text: list[str] = []
        self._starts: list[int] = []
        self._ends: list[int] = []

    def keep(self, start: int, end: int) -> None:
        """Add `source.text[start:end]` as it stands."""
        self._text.append(self.source.text[start:end])
        self._starts += self.source.starts[start:end]
        self._ends += self.source.ends[start:end]

    def replace(self, start: int, end: int, text: str) -> None:
        """Add `text`, each character of which stands for the whole of `source.text[start:end]`.

        With `start == end` the text is put in between two characters.
        """
        self._text.append(text)
        if start < end:
            first, last = self.source.starts[start], self.source.ends[end - 1]
        else:
            first = last = self.source.place(start)
        self._starts += [first] * len(text)
        self._ends += [last] * len(text)

    def built(self) -> Aligned:
        return Aligned("".join(self._text), self._starts, self._ends)


def lowered(aligned: Aligned) -> Aligned:
    """`aligned` in lower case, as `str.lower` gives it (İ becomes two characters)."""
    text = aligned.text.lower()
    if len(text) == len(aligned.text):
        return Aligned(text, aligned.starts, aligned.ends)
    builder = _Builder(aligned)
    place = 0
    for index, character in enumerate(aligned.text):
        # Only the length: what a final sigma becomes depends on its neighbours.
        length = len(character.lower())
        builder.replace(index, index + 1, text[place : place + length])
        place += length
    return builder.built()


def normalized(aligned: Aligned, name: str) -> Aligned:
    """`aligned` after the normalisation recorded as `name`; ConfigError for an unknown one."""
    for step in normalization_steps(name):
        aligned = _taken(step, aligned)
    return aligned


def _taken(step: Step, aligned: Aligned) -> Aligned:
    if isinstance(step, Substitution):
        return substituted(aligned, step)
    assert step is compose, step
    return composed(aligned)


def substituted(aligned: Aligned, step: Substitution) -> Aligned:
    """`aligned` after one substitution."""
    builder = _Builder(aligned)
    done = 0
    for match in step.pattern.finditer(aligned.text):
        builder.keep(done, match.start())
        text = step.replacement if isinstance(step.replacement, str) else step.replacement(match)
        done = match.end()
        if text.endswith(" "):
            # What is visible stands for what was visible, not for the spaces after it.
            visible = match.start() + len(match[0].rstrip(" "))
            builder.replace(match.start(), visible, text[:-1])
            builder.replace(visible, done, " ")
        else:
            builder.replace(match.start(), done, text)
    if done == 0:
        return aligned
    builder.keep(done, len(aligned.text))
    return builder.built()


def composed(aligned: Aligned) -> Aligned:
    """`aligned` in canonical composition (NFC).

    A composed character stands for all that it was composed of. Within one character and its marks, each of what
    composition changed stands for all that it changed.
    """
    text = aligned.text
    if unicodedata.is_normalized("NFC", text):
        return aligned
    builder = _Builder(aligned)
    bounds = [index for index, character in enumerate(text) if index == 0 or _stands_alone(character)]
    for start, end in zip(bounds, [*bounds[1:], len(text)], strict=True):
        stretch = text[start:end]
        result = unicodedata.normalize("NFC", stretch)
        if result == stretch:
            builder.keep(start, end)
            continue
        changed = min(len(stretch), len(result))
        head = _common(stretch, result, changed - 1)
        tail = _common(stretch[::-1], result[::-1], changed - head - 1)
        builder.keep(start, start + head)
        builder.replace(start + head, end - tail, result[head : len(result) - tail])
        builder.keep(end - tail, end)
    return builder.built()


def _common(left: str, right: str, limit: int) -> int:
    """How many characters, at most `limit`, two texts have in common from their beginning."""
    count = 0
    while count < limit and left[count] == right[count]:
        count += 1
    return count


@functools.lru_cache(maxsize=65536)
def _stands_alone(character: str) -> bool:
    """Whether composition never joins `character` to what stands before it, nor moves it before that."""
    first = unicodedata.normalize("NFD", character)[0]
    return unicodedata.combining(first) == 0 and first not in _second_halves()


@functools.cache
def _second_halves() -> frozenset[str]:
    """Characters that compose with one before them: second in a canonical decomposition, or a Hangul vowel or coda."""
    found = {chr(code) for code in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}
    for code in range(sys.maxunicode + 1):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            found.add(chr(int(parts[1], 16)))
    return frozenset(found)


def joined(aligned: Aligned, morphs: Iterable[str], joiner: str) -> Aligned:
    """The morphs of `aligned.text` with `joiner` between them; white space between morphs is left out."""
    builder = _Builder(aligned)
    done = 0
    for index, morph in enumerate(morphs):
        if index:
            builder.replace(done, done, joiner)
        # An analyser drops nothing but white space, and no morph begins with any.
        start = aligned.text.index(morph, done)
        done = start + len(morph)
        builder.keep(start, done)
    return builder.built()


def broken_up(aligned: Aligned, spelling: str) -> Aligned:
    """`aligned` with a space after the first character of every `spelling`."""
    builder = _Builder(aligned)
    done = 0
    for match in re.finditer(re.escape(spelling), aligned.text):
        place = match.start() + 1
        builder.keep(done, place)
        builder.replace(place, place, " ")
        done = place
    builder.keep(done, len(aligned.text))
    return builder.built()


def piece_spans(line: Aligned, pieces: Pieces) -> tuple[list[int], list[Span]]:
    """Ids of `line.text` and, for each, the span of the text that `line` is aligned to.

    A piece that stands for nothing but white space has an empty span where what follows it begins. Byte pieces have the
    span of the character they spell together.
    """
    ids, ranges = pieces.encode_with_ranges(line.text)
    return ids, [line.span(start, end) for start, end in ranges]
