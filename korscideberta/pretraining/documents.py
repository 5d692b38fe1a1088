"""Documents of a corpus: what is one, and blocks of whole documents for the processes that work on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from korscideberta.errors import ConfigError
from korscideberta.nearest import nearest
from korscideberta.tokenization.corpus import Block, CorpusFormat, read_blocks, read_texts

DOCUMENTS = ("line", "blank")
"""What a document of a plain text is: a line, or lines up to a blank one. In JSON Lines it is a record."""

MAX_DOCUMENT = 8 << 20
"""Bytes of plain text after which a document that does not end is cut, so that memory stays bounded."""

_BLANK = re.compile(rb"\n[ \t\r]*\n")


@dataclass(frozen=True, kw_only=True)
class DocumentFormat:
    """How documents are found in the files of a corpus."""

    reading: CorpusFormat
    document: str = "line"

    def __post_init__(self) -> None:
        if self.document not in DOCUMENTS:
            raise ConfigError(f"--document {self.document}: {nearest(self.document, DOCUMENTS)}")


def document_blocks(path: Path, form: DocumentFormat) -> Iterator[Block]:
    """The blocks of a file, none of which ends inside a document unless that is longer than `MAX_DOCUMENT` bytes.

    Raises DataError as `read_blocks` does.
    """
    blocks = read_blocks(path, form.reading)
    return _up_to_blank_lines(blocks) if form.document == "blank" else blocks


def _up_to_blank_lines(blocks: Iterator[Block]) -> Iterator[Block]:
    """Move what follows the last blank line of a block to the front of the next one."""
    held: Block | None = None
    for block in blocks:
        if block.is_json:
            yield block
            continue
        if held is not None:
            block = replace(block, line=held.line, raw=held.raw + block.raw, skipped=held.skipped + block.skipped)
        end = max((match.end() for match in _BLANK.finditer(block.raw)), default=0)
        if not end and len(block.raw) <= MAX_DOCUMENT:
            held = block
            continue
        end = end or len(block.raw)
        yield replace(block, raw=block.raw[:end])
        rest = block.raw[end:]
        held = replace(block, line=block.line + block.raw.count(b"\n", 0, end), raw=rest, skipped=0) if rest else None
    if held is not None:
        yield held


def read_documents(block: Block, form: DocumentFormat) -> tuple[list[list[str]], int]:
    """The documents of a block as lists of lines that are not blank, and how many bad records or lines it has.

    Raises DataError, with file and line, for what is bad unless the format skips it.
    """
    texts, bad = read_texts(block, form.reading)
    if block.is_json or form.document == "line":
        documents = [text.splitlines() for text in texts]
    else:
        documents = [[]]
        for text in texts:
            if text.strip():
                documents[-1].append(text)
            elif documents[-1]:
                documents.append([])
    documents = [[line for line in lines if line.strip()] for lines in documents]
    return [lines for lines in documents if lines], bad
