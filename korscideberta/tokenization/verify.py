"""Comparing a tokenizer with ids that another implementation gave for the same texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from korscideberta.errors import DataError
from korscideberta.tokenization.corpus import CorpusFormat, explain, parse_record, read_blocks
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

_BEFORE, _AFTER = 3, 5


@dataclass(frozen=True)
class Reference:
    """A text and the ids it is expected to have."""

    line: int
    text: str
    ids: list[int]


@dataclass(frozen=True)
class Difference:
    """Where a row first differs: the position of the id, and the pieces around it (a slice from `start`)."""

    line: int
    text: str
    position: int
    start: int
    expected: list[str]
    found: list[str]


@dataclass
class Comparison:
    """How many rows there are, agree, would also agree without special tokens, and the first that differ."""

    rows: int = 0
    agreeing: int = 0
    agreeing_otherwise: int = 0
    differences: list[Difference] = field(default_factory=list)


def compare(tokenizer: DebertaV2Tokenizer, path: Path, *, show: int = 5, add_special_tokens: bool = True) -> Comparison:
    """Compare with the rows `{"text": …, "input_ids": […]}` of a JSON Lines file, also .gz or .zst.

    Raises DataError, with the line, for a row of another kind, and for a file without rows.
    """
    comparison = Comparison()
    specials = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    for batch in _batches(path):
        rows = tokenizer([row.text for row in batch], add_special_tokens=add_special_tokens)["input_ids"]
        for reference, found in zip(batch, rows, strict=True):
            comparison.rows += 1
            if found == reference.ids:
                comparison.agreeing += 1
                continue
            comparison.agreeing_otherwise += _without(found, specials) == _without(reference.ids, specials)
            if len(comparison.differences) < show:
                comparison.differences.append(_difference(tokenizer, reference, found))
    if not comparison.rows:
        raise DataError(f"{path}: no rows to compare with")
    return comparison


def _batches(path: Path) -> Iterator[list[Reference]]:
    for block in read_blocks(path, CorpusFormat(whole_lines=True)):
        batch = []
        for line, content in enumerate(block.raw.split(b"\n"), start=block.line):
            try:
                record = parse_record(content)
                if record is not None:
                    batch.append(Reference(line, *_checked(record)))
            except (ValueError, RecursionError) as error:
                raise DataError(f"{path}:{line}: {explain(error)}") from None
        yield batch


def _checked(record: dict[str, Any]) -> tuple[str, list[int]]:
    text, ids = record.get("text"), record.get("input_ids")
    if not isinstance(text, str):
        raise ValueError(f'\'text\' is {text!r}, not a string; rows are {{"text": …, "input_ids": […]}}')
    if not isinstance(ids, list) or not all(type(index) is int for index in ids):
        raise ValueError('\'input_ids\' is not a list of integers; rows are {"text": …, "input_ids": […]}')
    return text, ids


def _without(ids: list[int], specials: set[int]) -> list[int]:
    return [index for index in ids if index not in specials]


def _difference(tokenizer: DebertaV2Tokenizer, reference: Reference, found: list[int]) -> Difference:
    pairs = enumerate(zip_longest(reference.ids, found))
    position = next(place for place, (theirs, ours) in pairs if theirs != ours)
    start = max(0, position - _BEFORE)
    window = slice(start, position + _AFTER)
    return Difference(
        reference.line,
        reference.text,
        position,
        start,
        [_piece(tokenizer, index) for index in reference.ids[window]],
        [_piece(tokenizer, index) for index in found[window]],
    )


def _piece(tokenizer: DebertaV2Tokenizer, index: int) -> str:
    try:
        return str(tokenizer.convert_ids_to_tokens(index))
    except DataError:
        return f"(no piece {index})"
