"""Texts with entities, and their readers: columns of tokens and tags, KLUE-NER, and JSON Lines of spans or tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from korscideberta.data.bio import OUTSIDE, Entity, Located, Span, to_bio
from korscideberta.data.examples import BaseExample
from korscideberta.data.text_files import read_text
from korscideberta.errors import DataError
from korscideberta.nearest import nearest

SENTENCE_BREAK = "\n"
"""Between the sentences of a document that came as tokens."""

_COLUMN_ENDINGS = (".txt", ".tsv", ".conll", ".bio", ".iob", ".iob2")
_DOCUMENT_START = "-DOCSTART-"
_KLUE_HEADER = "## "


@dataclass(frozen=True, kw_only=True, slots=True)
class TaggedText(BaseExample):
    """A text with the entities in it, which do not overlap and stand in their order."""

    text: str
    words: tuple[Span, ...] | None = None
    """Where its tokens stand in a text that came as tokens; None for one that came as characters."""
    entities: tuple[Entity, ...] = ()
    """Gold entities; none where they were not looked at."""


def read_tagged(path: Path, labelled: bool, types: Collection[str] | None = None) -> list[TaggedText]:
    """Read a file of tagged texts; the ending of its name chooses the layout.

    `.jsonl` and `.json` hold objects `{"text", "entities": [{"start", "end", "label"}]}` or `{"tokens", "tags"}`, `id`
    if they like. Other files hold a token a line, its tag in the last column, an empty line after each sentence;
    columns are separated by tabs where there are any, else by white space. A sentence is a text; where lines with
    `-DOCSTART-` begin documents, a document is one, with a line break between its sentences. Tokens have a space
    between them; where every token of the file is one character, they are the text's characters. A file that opens
    with `## ` is in KLUE-NER's layout: characters, each text under a line `## ID<tab>…`.

    Args:
        path: the file.
        labelled: whether gold tags must be there (and are checked) or are not looked at.
        types: the entity types there may be; None for any.

    Raises:
        DataError: a fault in the file, named with its line.
    """
    ending = path.suffix.lower()
    if ending not in (".jsonl", ".json", *_COLUMN_ENDINGS):
        raise DataError(
            f"{path}: the ending {ending!r} is not known for tagged texts; "
            f"use .jsonl, .json or, for columns, {', '.join(_COLUMN_ENDINGS)}"
        )
    text = read_text(path)
    if ending in (".jsonl", ".json"):
        texts = [_from_record(record, origin, number, labelled) for number, origin, record in _records(text, path)]
    else:
        texts = _from_columns(_documents(text, path, labelled), labelled, types)
    if not texts:
        raise DataError(f"{path}: the file holds no texts")
    _check(texts, types)
    return texts


def whitespace_words(text: str) -> tuple[Span, ...]:
    """Return where the words of a text stand that white space separates."""
    return tuple(match.span() for match in re.finditer(r"\S+", text))


class _Token(NamedTuple):
    text: str
    tag: str
    origin: str


class _Document(NamedTuple):
    identity: str
    sentences: list[list[_Token]]
    characters: bool
    """Whether its tokens are the text's characters."""


def _documents(text: str, path: Path, labelled: bool) -> list[_Document]:
    lines = [line.rstrip("\r") for line in text.split("\n")]
    if text.startswith(_KLUE_HEADER):
        return list(_klue_documents(lines, path, labelled))
    cut = _cutter("\t" if any("\t" in line for line in lines) else None, path, labelled)
    documents: list[list[list[_Token]]] = [[[]]]
    for number, line in enumerate(lines, start=1):
        if line.startswith(_DOCUMENT_START):
            documents.append([[]])
        elif not line.strip():
            documents[-1].append([])
        else:
            documents[-1][-1].append(cut(line, number))
    documents = [[sentence for sentence in document if sentence] for document in documents]
    if len(documents) == 1:
        documents = [[sentence] for sentence in documents[0]]
    documents = [document for document in documents if document]
    characters = all(len(token.text) == 1 for document in documents for sentence in document for token in sentence)
    return [_Document(str(number), document, characters) for number, document in enumerate(documents, start=1)]


def _klue_documents(lines: Sequence[str], path: Path, labelled: bool) -> Iterator[_Document]:
    cut = _cutter("\t", path, labelled, columns=2 if labelled else None)
    identity, tokens = "", list[_Token]()
    for number, line in enumerate([*lines, ""], start=1):
        if line.startswith(_KLUE_HEADER.rstrip()) or line in ("", "\t"):
            if tokens:
                yield _Document(identity, [tokens], True)
            tokens = []
            if line.startswith(_KLUE_HEADER):
                identity = line[len(_KLUE_HEADER) :].split("\t")[0].strip()
            continue
        token = cut(line, number)
        if len(token.text) != 1:
            raise DataError(f"{token.origin}: {token.text!r} stands where one character was expected")
        tokens.append(token)


def _cutter(
    separator: str | None, path: Path, labelled: bool, columns: int | None = None
) -> Callable[[str, int], _Token]:
    """Return what cuts a line; all lines must have as many cells as the first, or `columns`."""
    wanted = columns

    def cut(line: str, number: int) -> _Token:
        nonlocal wanted
        origin = f"{path}:{number}"
        cells = line.split(separator)
        if wanted is None:
            wanted = len(cells)
        if len(cells) != wanted:
            expected = f"{columns} were expected" if columns else f"the first row has {wanted}"
            raise DataError(f"{origin}: {len(cells)} columns where {expected}; check the separators")
        if labelled and wanted < 2:
            raise DataError(f"{origin}: one column; a token and, in the last column, its tag were expected")
        if not cells[0]:
            raise DataError(f"{origin}: the token is empty")
        return _Token(cells[0], cells[-1].strip() if labelled else OUTSIDE, origin)

    return cut


def _from_columns(documents: Sequence[_Document], labelled: bool, types: Collection[str] | None) -> list[TaggedText]:
    sentences = [sentence for document in documents for sentence in document.sentences]
    bio = iter(
        to_bio([[(token.tag, token.origin) for token in sentence] for sentence in sentences])
        if labelled
        else [[OUTSIDE] * len(sentence) for sentence in sentences]
    )
    texts = []
    for identity, sentences, characters in documents:
        tags = [next(bio) for _ in sentences]
        for sentence, line in zip(sentences, tags, strict=True):
            for token, tag in zip(sentence, line, strict=True):
                if tag != OUTSIDE:
                    check_type(tag[2:], types, token.origin)
        tokens = [[token.text for token in sentence] for sentence in sentences]
        texts.append(_from_tokens(tokens, tags, identity, sentences[0][0].origin, characters=characters))
    return texts


def _from_tokens(
    sentences: Sequence[Sequence[str]], tags: Sequence[Sequence[str]], identity: str, origin: str, *, characters: bool
) -> TaggedText:
    """Return the text of sentences of tokens with BIO tags."""
    joiner = "" if characters else " "
    places: list[Span] = []
    entities: list[Entity] = []
    start = 0
    for sentence, line in zip(sentences, tags, strict=True):
        for token, tag in zip(sentence, line, strict=True):
            end = start + len(token)
            if tag.startswith("B-"):
                entities.append((start, end, tag[2:]))
            elif tag != OUTSIDE:
                entities[-1] = (entities[-1][0], end, tag[2:])
            places.append((start, end))
            start = end + len(joiner)
        start = places[-1][1] + 1
    return TaggedText(
        id=identity,
        text=SENTENCE_BREAK.join(joiner.join(sentence) for sentence in sentences),
        origin=origin,
        words=None if characters else tuple(places),
        entities=tuple(entities),
    )


def _records(text: str, path: Path) -> Iterator[tuple[int, str, Any]]:
    """Yield (number, `file:line`, object) of a JSON Lines file or of a list in a JSON file."""
    if path.suffix.lower() == ".json":
        content = _parsed(text, str(path))
        if not isinstance(content, list):
            raise DataError(f"{path}: a list of objects was expected, found {type(content).__name__}")
        yield from ((number, f"{path}[{number - 1}]", record) for number, record in enumerate(content, start=1))
        return
    number = 0
    for line_number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            number += 1
            yield number, f"{path}:{line_number}", _parsed(line, f"{path}:{line_number}")


def _parsed(text: str, origin: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{origin}: not valid JSON ({error})") from None


def _from_record(record: Any, origin: str, number: int, labelled: bool) -> TaggedText:
    if not isinstance(record, dict):
        raise DataError(f"{origin}: an object was expected, found {type(record).__name__}")
    identity = str(record.get("id", number))
    if "tokens" in record:
        return _from_token_record(record, identity, origin, labelled)
    text = record.get("text")
    if not isinstance(text, str):
        raise DataError(f"{origin}: 'text' is {text!r}, not a string; an object needs text and entities")
    if labelled and "entities" not in record:
        raise DataError(f"{origin}: no 'entities'; write an empty list where there are none")
    entities = _entities(record["entities"], text, origin) if labelled else ()
    return TaggedText(id=identity, text=text, origin=origin, entities=entities)


def _from_token_record(record: dict[str, Any], identity: str, origin: str, labelled: bool) -> TaggedText:
    tokens, tags = record["tokens"], record.get("tags") if labelled else None
    if not isinstance(tokens, list) or not all(isinstance(token, str) and token.strip() for token in tokens):
        raise DataError(f"{origin}: 'tokens' must be a list of strings, none of them empty")
    if not labelled:
        tags = [OUTSIDE] * len(tokens)
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise DataError(f"{origin}: 'tags' must be a list of strings, as many as 'tokens'")
    if len(tokens) != len(tags):
        raise DataError(f"{origin}: {len(tags)} tags for {len(tokens)} tokens")
    located: list[Located] = [(tag, origin) for tag in tags]
    return _from_tokens([tokens], to_bio([located]), identity, origin, characters=False)


def _entities(entries: Any, text: str, origin: str) -> tuple[Entity, ...]:
    if not isinstance(entries, list):
        raise DataError(f"{origin}: 'entities' is {type(entries).__name__}, not a list")
    found = sorted(_entity(entry, text, origin) for entry in entries)
    for (_, end, _), (start, stop, _) in pairwise(found):
        if start < end:
            raise DataError(f"{origin}: two entities overlap at {text[start : min(end, stop)]!r}; keep one of them")
    return tuple(found)


def _entity(entry: Any, text: str, origin: str) -> Entity:
    wanted = '{"start": 0, "end": 2, "label": "PS"}'
    if not isinstance(entry, dict) or not {"start", "end", "label"} <= set(entry):
        raise DataError(f"{origin}: an entity is {entry!r}; write it as {wanted}")
    start, end, label = entry["start"], entry["end"], entry["label"]
    if type(start) is not int or type(end) is not int or not isinstance(label, str) or not label.strip():
        raise DataError(f"{origin}: an entity is {entry!r}; write it as {wanted}")
    if not 0 <= start < end <= len(text):
        raise DataError(
            f"{origin}: an entity spans {start}–{end} in a text of {len(text)} characters; "
            "0 ≤ start < end ≤ length was expected"
        )
    inside = text[start:end]
    if inside != inside.strip():
        raise DataError(f"{origin}: the entity {inside!r} begins or ends with white space; move its ends inward")
    if "text" in entry and entry["text"] != inside:
        raise DataError(
            f"{origin}: the entity's text is {entry['text']!r}, but {start}–{end} is {inside!r}; "
            "offsets count characters, not bytes"
        )
    return start, end, label


def _check(texts: Sequence[TaggedText], types: Collection[str] | None) -> None:
    seen: dict[str, str] = {}
    for text in texts:
        if not text.text.strip():
            raise DataError(f"{text.origin}: the text is empty; fill it or remove the row")
        if text.id in seen:
            raise DataError(f"{text.origin}: id {text.id!r} was already used at {seen[text.id]}")
        seen[text.id] = text.origin
        for _, _, label in text.entities:
            check_type(label, types, text.origin)


def check_type(label: str, types: Collection[str] | None, origin: str) -> None:
    """Raise DataError, naming file and line, for an entity type that is not among `types`; None allows any."""
    if types is not None and label not in types:
        raise DataError(f"{origin}: unknown entity type {label!r}; {nearest(label, types)}")
