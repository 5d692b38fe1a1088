"""From the ids of texts to the rows of a batch: `[CLS] A [SEP]` or `[CLS] A [SEP] B [SEP]`, cut or in windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from korscideberta.tokenization.offsets import Span
from korscideberta.tokenization.truncation import Window, kept_lengths, room_beside, windows


@dataclass(slots=True)
class EncodedText:
    """The ids of one text; where they were asked for, the span of each in it and the word each belongs to."""

    ids: list[int]
    spans: list[Span] | None = None
    words: list[int] | None = None


def joined_words(words: Sequence[EncodedText], offsets: bool) -> EncodedText:
    """One text out of its encoded words; spans stay those in each word."""
    return EncodedText(
        [index for word in words for index in word.ids],
        [span for word in words for span in word.spans or ()] if offsets else None,
        [number for number, word in enumerate(words) for _ in word.ids],
    )


class Row(NamedTuple):
    """What stands in one row of a batch: a window of a sample's first text and, in a pair, of its second."""

    sample: int
    first: Window
    second: Window | None
    specials: bool
    """Whether the row has special tokens: one before the texts and one after each."""

    def sequence_ids(self) -> list[int | None]:
        """For each token 0 or 1, the text it comes from, or None for a special token."""
        ids: list[int | None] = [0] * (self.first[1] - self.first[0])
        mark: list[int | None] = [None] if self.specials else []
        row = [*mark, *ids, *mark]
        if self.second is not None:
            row += [*[1] * (self.second[1] - self.second[0]), *mark]
        return row


@dataclass(frozen=True, kw_only=True)
class Truncation:
    """To how many tokens a row is cut, which of its texts are, and whether the rest makes further rows."""

    strategy: str
    max_length: int
    stride: int = 0
    overflow: bool = False


def plan_rows(
    firsts: Sequence[EncodedText],
    seconds: Sequence[EncodedText | None],
    *,
    specials: bool,
    truncation: Truncation | None,
) -> list[Row]:
    """The rows of a batch, a sample's own one before another's.

    The first row of a sample has the first window of its texts. Then come, with `overflow`, the later windows of the
    first text, each with all of the second, and the later windows of the second text with the first one of the first.
    Raises ConfigError where special tokens alone are too long or windows make no headway, DataError where a strategy
    cannot make room.
    """
    rows = []
    for sample, (first, second) in enumerate(zip(firsts, seconds, strict=True)):
        whole = (0, len(first.ids))
        other = None if second is None else (0, len(second.ids))
        if truncation is None:
            rows.append(Row(sample, whole, other, specials))
            continue
        if truncation.overflow:
            rows += [
                Row(sample, left, right, specials)
                for left, right in _window_pairs(whole[1], other and other[1], specials, truncation)
            ]
        else:
            left, right = _kept(whole[1], other and other[1], specials, truncation)
            rows.append(Row(sample, (0, left), None if right is None else (0, right), specials))
    return rows


def _kept(first: int, second: int | None, specials: bool, truncation: Truncation) -> tuple[int, int | None]:
    marks = (2 if second is None else 3) if specials else 0
    room = room_beside(marks, truncation.max_length)
    if second is None:
        # A single text is the first and the longest; nothing else could be shortened.
        return min(first, room), None
    return kept_lengths(first, second, room, truncation.strategy)


def _window_pairs(
    first: int, second: int | None, specials: bool, truncation: Truncation
) -> list[tuple[Window, Window | None]]:
    left, right = _kept(first, second, specials, truncation)
    lefts = windows(first, left, truncation.stride)
    if second is None or right is None:
        return [(window, None) for window in lefts]
    rights = windows(second, right, truncation.stride)
    return [
        (lefts[0], rights[0]),
        *[(window, other) for window in lefts[1:] for other in rights],
        *[(lefts[0], other) for other in rights[1:]],
    ]


def columns(
    rows: Sequence[Row],
    firsts: Sequence[EncodedText],
    seconds: Sequence[EncodedText | None],
    *,
    cls_id: int,
    sep_id: int,
    token_types: bool,
    attention_mask: bool,
    special_tokens_mask: bool,
    offsets: bool,
    length: bool,
) -> dict[str, Any]:
    """The entries of a batch, each a list with an item a row."""
    firsts_ids = [text.ids for text in firsts]
    seconds_ids = [None if text is None else text.ids for text in seconds]
    ids = _filled(rows, firsts_ids, seconds_ids, [cls_id], [sep_id])
    entries: dict[str, Any] = {"input_ids": ids}
    if token_types:
        entries["token_type_ids"] = [_token_types(row, len(line)) for row, line in zip(rows, ids, strict=True)]
    if attention_mask:
        entries["attention_mask"] = [[1] * len(line) for line in ids]
    if special_tokens_mask:
        entries["special_tokens_mask"] = [[int(text is None) for text in row.sequence_ids()] for row in rows]
    if offsets:
        firsts_spans = [text.spans for text in firsts]
        seconds_spans = [None if text is None else text.spans for text in seconds]
        entries["offset_mapping"] = _filled(rows, firsts_spans, seconds_spans, [(0, 0)], [(0, 0)])
    if length:
        entries["length"] = [len(line) for line in ids]
    return entries


def word_ids(
    rows: Sequence[Row], firsts: Sequence[EncodedText], seconds: Sequence[EncodedText | None]
) -> list[list[int | None]]:
    """For each row the index of each token's word in its text, None for a special token."""
    firsts_words = [text.words for text in firsts]
    seconds_words = [None if text is None else text.words for text in seconds]
    return _filled(rows, firsts_words, seconds_words, [None], [None])


def _filled(
    rows: Sequence[Row], firsts: Sequence[Any], seconds: Sequence[Any], head: list[Any], tail: list[Any]
) -> list[list[Any]]:
    """For each row the items of its texts' windows, with `head` and `tail` where special tokens stand."""
    lines = []
    for sample, (start, end), second, specials in rows:
        line = [*head, *firsts[sample][start:end], *tail] if specials else list(firsts[sample][start:end])
        if second is not None:
            line += seconds[sample][second[0] : second[1]]
            line += tail if specials else ()
        lines.append(line)
    return lines


def _token_types(row: Row, length: int) -> list[int]:
    if row.second is None:
        return [0] * length
    first = row.first[1] - row.first[0] + 2 * row.specials
    return [0] * first + [1] * (length - first)
