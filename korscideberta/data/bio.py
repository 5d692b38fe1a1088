"""Tag schemes: entities to BIO tags, and BIO, IOB1, IOBES and BILOU tags of a file to BIO.

Every entity begins with `B-` in BIO, in IOB1 only one that follows another of its type; IOBES and BILOU also mark the
last tag of an entity (`E-`, `L-`) and one that stands alone (`S-`, `U-`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from korscideberta.errors import DataError

OUTSIDE = "O"
_ALONE_OR_LAST = {"E": "I", "L": "I", "S": "B", "U": "B"}

Span = tuple[int, int]
"""Start and end, half-open, in characters of a text."""
Entity = tuple[int, int, str]
"""Start and end, half-open, in characters of a text, and type."""

Located = tuple[str, str]
"""A tag and its `file:line`."""


def labels_of(types: Iterable[str]) -> tuple[str, ...]:
    """Return the BIO tags of entity types: `O`, then `B-` and `I-` of each in sorted order."""
    return (OUTSIDE, *(f"{prefix}-{label}" for label in sorted(set(types)) for prefix in "BI"))


def tags_of(spans: Sequence[Span], entities: Sequence[Entity]) -> list[str]:
    """Return the BIO tag of the first character of each span, `O` for an empty span.

    An entity whose first span begins inside it (its beginning shares a piece with what stands before) begins there.
    """
    starts = [start for start, _, _ in entities]
    tags = []
    begun = -1
    for start, end in spans:
        number = bisect_right(starts, start) - 1
        if start == end or number < 0 or start >= entities[number][1]:
            tags.append(OUTSIDE)
            continue
        tags.append(f"{'I' if number == begun else 'B'}-{entities[number][2]}")
        begun = number
    return tags


def to_bio(sentences: Sequence[Sequence[Located]]) -> list[list[str]]:
    """Return the tags of a file's sentences as BIO, whichever of the four schemes the file is in.

    A file in which `I-` begins an entity is in IOB1 if every `B-` in it stands right after an entity of its type;
    otherwise that tag is a fault, and so is an entity of IOBES or BILOU that is not closed. Nothing is repaired.

    Raises:
        DataError: a tag is not of a scheme, or not at its place; file and line are named.
    """
    prefixes = {_split(tag, origin)[0] for sentence in sentences for tag, origin in sentence}
    if closing := prefixes & set(_ALONE_OR_LAST):
        if closing & {"E", "S"} and closing & {"L", "U"}:
            raise DataError(f"{_first(sentences, closing)}: tags of IOBES and of BILOU are mixed; use one scheme")
        return [_from_closed(sentence) for sentence in sentences]
    stray = [place for sentence in sentences for place in _stray_beginnings(sentence)]
    if not stray:
        return [[tag for tag, _ in sentence] for sentence in sentences]
    if all(_is_iob1(sentence) for sentence in sentences):
        return [_from_iob1(sentence) for sentence in sentences]
    tag, origin = stray[0]
    raise DataError(
        f"{origin}: the tag {tag!r} begins an entity, which elsewhere in the file begins with B-; write B-{tag[2:]}"
    )


def _split(tag: str, origin: str) -> tuple[str, str]:
    prefix, mark, label = tag.partition("-")
    if tag == OUTSIDE or (prefix in {"B", "I", *_ALONE_OR_LAST} and mark and label):
        return prefix, label
    raise DataError(f"{origin}: the tag is {tag!r}; use O, or B-TYPE and I-TYPE")


def _first(sentences: Sequence[Sequence[Located]], prefixes: set[str]) -> str:
    return next(origin for sentence in sentences for tag, origin in sentence if tag[0] in prefixes)


def _followed(sentence: Sequence[Located]) -> list[tuple[str, str, str, str]]:
    """(prefix and type, prefix and type of the tag before it) of each tag."""
    split = [_split(tag, origin) for tag, origin in sentence]
    return [(*now, *before) for now, before in zip(split, [(OUTSIDE, ""), *split], strict=False)]


def _stray_beginnings(sentence: Sequence[Located]) -> list[Located]:
    """The `I-` tags that continue nothing."""
    steps = zip(sentence, _followed(sentence), strict=True)
    return [located for located, (prefix, label, _, before) in steps if prefix == "I" and label != before]


def _is_iob1(sentence: Sequence[Located]) -> bool:
    return all(label == before for prefix, label, _, before in _followed(sentence) if prefix == "B")


def _from_iob1(sentence: Sequence[Located]) -> list[str]:
    return [
        f"B-{label}" if prefix == "B" or (prefix == "I" and label != before) else tag
        for (tag, _), (prefix, label, _, before) in zip(sentence, _followed(sentence), strict=True)
    ]


def _from_closed(sentence: Sequence[Located]) -> list[str]:
    tags = []
    open_type = ""
    for (tag, origin), (prefix, label, _, _) in zip(sentence, _followed(sentence), strict=True):
        continues = prefix in ("I", "E", "L")
        if continues and label != open_type:
            raise DataError(f"{origin}: the tag {tag!r} continues no entity of its type; the one before it is closed")
        if open_type and not continues:
            raise DataError(f"{origin}: the tag {tag!r} stands where the entity {open_type!r} is not yet closed")
        open_type = label if prefix in ("B", "I") else ""
        tags.append(tag if tag == OUTSIDE else f"{_ALONE_OR_LAST.get(prefix, prefix)}-{label}")
    if open_type:
        raise DataError(f"{sentence[-1][1]}: the sentence ends before the entity {open_type!r} is closed")
    return tags
