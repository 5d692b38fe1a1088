"""Predicted entities in the layouts that other programs read: columns as of conlleval, and KLUE's leaderboard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from korscideberta.data.bio import OUTSIDE, Entity, tags_of
from korscideberta.data.tagged import SENTENCE_BREAK, TaggedText


def column_lines(text: TaggedText, columns: Sequence[Sequence[Entity]]) -> Iterator[str]:
    """Yield a line a token with its BIO tags, one for each list of entities, and an empty line after each sentence.

    Columns are separated by a space, of a text of characters by a tab, as a space is a character.
    """
    places = text.words or [(place, place + 1) for place in range(len(text.text))]
    separator = "\t" if text.words is None else " "
    tags = [tags_of(places, entities) for entities in columns]
    done = 0
    for (start, end), *line in zip(places, *tags, strict=True):
        if text.words is not None and SENTENCE_BREAK in text.text[done:start]:
            yield ""
        yield separator.join([text.text[start:end], *line])
        done = end
    yield ""


def leaderboard_row(text: TaggedText, entities: Sequence[Entity], labels: Sequence[str]) -> list[int]:
    """Return the numbers of a text's tags among `labels`, as KLUE's leaderboard takes them: a row of a CSV file.

    There is one for each character that is not a space, and one for the special token before and after them.
    """
    return [labels.index(tag) for tag in (OUTSIDE, *visible_tags(text.text, entities), OUTSIDE)]


def visible_tags(text: str, entities: Sequence[Entity]) -> list[str]:
    """Return the BIO tag of each character that is not a space, which are those that KLUE scores."""
    tags = [OUTSIDE] * len(text)
    for start, end, label in entities:
        tags[start:end] = [f"B-{label}", *[f"I-{label}"] * (end - start - 1)]
    return [tag for tag, character in zip(tags, text, strict=True) if character != " "]
