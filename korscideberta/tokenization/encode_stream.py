"""Encoding files of any size to lines of ids, pieces or JSON, in order, by parallel processes."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from korscideberta.errors import ConfigError
from korscideberta.nearest import nearest
from korscideberta.tokenization.corpus import Block, CorpusFormat, read_blocks, read_texts
from korscideberta.tokenization.processes import map_ordered
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

OUTPUTS = ("ids", "pieces", "jsonl")
"""`ids` and `pieces` are separated by spaces; `jsonl` has the keys `text` and `input_ids`."""


def encode_stream(
    tokenizer: DebertaV2Tokenizer,
    path: Path,
    output: str = "ids",
    *,
    field: str = "text",
    max_length: int | None = None,
    add_special_tokens: bool = True,
    workers: int = 1,
) -> Iterator[bytes]:
    """The encoded texts of a file (`corpus.STDIN` for standard input), a line each, in pieces of many lines.

    A line of plain text is a text, a blank one too. With `max_length`, longer rows are cut, special tokens counted.

    Raises ConfigError for an unknown output or an impossible `max_length`, DataError for what cannot be read.
    """
    if output not in OUTPUTS:
        raise ConfigError(f"unknown output format {output!r}; {nearest(output, OUTPUTS)}")
    form = CorpusFormat(field=field, whole_lines=True)
    start: Callable[[], Callable[[Block], bytes]] = functools.partial(
        _encoder, tokenizer, form, output, max_length, add_special_tokens
    )
    return map_ordered(start, read_blocks(path, form), workers)


def _encoder(
    tokenizer: DebertaV2Tokenizer, form: CorpusFormat, output: str, max_length: int | None, add_special_tokens: bool
) -> Callable[[Block], bytes]:
    def encode(block: Block) -> bytes:
        texts, _ = read_texts(block, form)
        rows = tokenizer(
            texts,
            truncation=max_length is not None,
            max_length=max_length,
            add_special_tokens=add_special_tokens,
            return_token_type_ids=False,
            return_attention_mask=False,
        )["input_ids"]
        if output == "ids":
            lines = (" ".join(map(str, row)) for row in rows)
        elif output == "pieces":
            lines = (" ".join(tokenizer.convert_ids_to_tokens(row)) for row in rows)
        else:
            lines = (
                json.dumps({"text": text, "input_ids": row}, ensure_ascii=False)
                for text, row in zip(texts, rows, strict=True)
            )
        # A lone surrogate, which JSON can hold, is written as JSON writes it.
        return "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")

    return encode
