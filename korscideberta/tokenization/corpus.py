"""Text corpora of any size: plain text or JSON Lines, as they are or compressed, read in blocks of whole lines.

A block is a piece of work for a process: cheap to make here (decompress, find line ends), dear to use there (decode,
parse, analyse). Which blocks a file gives depends on its decompressed bytes alone.
"""

from __future__ import annotations

import glob
import gzip
import json
import logging
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from korscideberta.errors import DataError
from korscideberta.tokenization.zstd import open_zstd

logger = logging.getLogger(__name__)

STDIN = Path("-")

BLOCK = 1 << 20
"""Bytes after which a block ends at the next line end; a longer line of plain text is cut into blocks."""

MAX_RECORD = 64 << 20
"""Bytes of the longest line that must stay whole: a JSON record, or a text that gets a row of its own."""

_CHUNK = 1 << 16
_COMPRESSED: dict[str, Callable[[BinaryIO], Any]] = {".gz": gzip.open, ".zst": open_zstd}
_OTHER_FORMATS = {".7z", ".bz2", ".csv", ".docx", ".hwp", ".hwpx", ".json", ".parquet", ".pdf", ".tar", ".tgz", ".tsv"}
_OTHER_FORMATS |= {".xlsx", ".xml", ".xz", ".zip"}


@dataclass(frozen=True)
class CorpusFormat:
    """How the files of a corpus are read."""

    field: str = "text"
    """The key of the text in a JSON record."""
    skip_bad: bool = False
    """Replace bytes that are not UTF-8 and leave out broken records, counting both, instead of an error."""
    whole_lines: bool = False
    """Keep a long line of plain text in one piece, up to `MAX_RECORD` bytes."""


@dataclass(frozen=True)
class Block:
    """Lines of one file, in order: `raw` begins in line `line` (from 1) of the file `path`."""

    path: Path
    line: int
    raw: bytes
    skipped: int = 0
    """Records that had to be left out already here; they come before the lines."""
    consumed: int = 0
    """Bytes of the file read so far, compressed ones where it is compressed."""

    @property
    def is_json(self) -> bool:
        """Whether a line is a JSON record."""
        return is_json(self.path)


def is_json(path: Path) -> bool:
    """Whether the name says JSON Lines (`.jsonl`, `.ndjson`, also before `.gz` or `.zst`)."""
    return _suffix(path) in (".jsonl", ".ndjson")


def find_corpus(patterns: Iterable[str | Path]) -> list[Path]:
    """The files that `patterns` name (paths, or globs in which `**` is any depth), each once, a glob's sorted.

    Raises DataError for what names no file or a format that is not read.
    """
    found: dict[Path, None] = {}
    for pattern in map(str, patterns):
        if Path(pattern).is_file() or not glob.has_magic(pattern):
            paths = [Path(pattern)]
        else:
            paths = [path for path in map(Path, sorted(glob.glob(pattern, recursive=True))) if path.is_file()]
            if not paths:
                raise DataError(f"{pattern}: no such files")
        for path in paths:
            if path.is_dir():
                raise DataError(f"{path}: a folder; name its files, as in '{path}/*.txt.gz'")
            if not path.is_file():
                raise DataError(f"{path}: no such file")
            if _suffix(path) in _OTHER_FORMATS:
                raise DataError(f"{path}: {_suffix(path)} is not read; a corpus is .txt or .jsonl, also .gz or .zst")
            found[path] = None
    if not found:
        raise DataError("no corpus file is named")
    return list(found)


def read_blocks(path: Path, form: CorpusFormat) -> Iterator[Block]:
    """The blocks of one file, `STDIN` for standard input; memory stays below a few `BLOCK`s (`MAX_RECORD` in a record).

    A line of plain text above `BLOCK` bytes is cut, at spaces where it has any, unless lines are to stay whole.

    Raises DataError, with the line, where the file cannot be read, an archive ends too early or a record is too long.
    """
    with _open_file(path) as file:
        lines = _Lines(path, form)
        try:
            for chunk in _chunks(_decompressed(path, file)):
                yield from lines.add(chunk, file.tell() if path != STDIN else 0)
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            lines.refuse(f"the file is damaged or cut short ({reason}); fetch it again", "the rest is left out")
            lines.drop_last()
        yield from lines.finish(file.tell() if path != STDIN else 0)


def read_texts(block: Block, form: CorpusFormat) -> tuple[list[str], int]:
    """The texts of a block in order, and how many of its lines were bad (replaced or left out).

    Lines of plain text are all there, blank ones too; blank lines between JSON records are not.

    Raises DataError, with file and line, for what is bad unless the format skips it.
    """
    texts: list[str] = []
    bad = block.skipped
    if not block.raw:
        return texts, bad
    for line, content in enumerate(block.raw.removesuffix(b"\n").split(b"\n"), start=block.line):
        try:
            text = _record_text(content, form.field) if block.is_json else content.rstrip(b"\r").decode("utf-8")
        except (ValueError, RecursionError) as error:
            if not form.skip_bad:
                raise DataError(f"{block.path}:{line}: {explain(error)}") from None
            bad += 1
            if block.is_json:
                continue
            text = content.rstrip(b"\r").decode("utf-8", "replace")
        if text is not None:
            texts.append(text)
    return texts, bad


def parse_record(content: bytes) -> dict[str, Any] | None:
    """The object in a line of JSON, None for a blank line; ValueError with the reason for anything else."""
    if not content.strip():
        return None
    record = json.loads(content.decode("utf-8"))
    if not isinstance(record, dict):
        raise ValueError(f"a JSON object was expected, found {type(record).__name__}")
    return record


def _record_text(content: bytes, field: str) -> str | None:
    record = parse_record(content)
    if record is None:
        return None
    if field not in record:
        raise ValueError(f"no field {field!r}; the record has {', '.join(map(repr, record)) or 'none'}")
    text = record[field]
    if not isinstance(text, str):
        raise ValueError(f"the field {field!r} holds {type(text).__name__}, not a text")
    return text


def explain(error: ValueError | RecursionError) -> str:
    """What is wrong with a line, in words."""
    if isinstance(error, UnicodeDecodeError):
        return (
            f"byte {error.start + 1} of the line (0x{error.object[error.start]:02x}) is not UTF-8; convert the file "
            "(iconv -f cp949 -t utf-8) or skip what is bad"
        )
    if isinstance(error, json.JSONDecodeError):
        return f"not valid JSON ({error.msg} at character {error.colno})"
    return str(error)


def _suffix(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _open_file(path: Path) -> BinaryIO:
    if path == STDIN:
        return sys.stdin.buffer
    try:
        return path.open("rb")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def _decompressed(path: Path, file: BinaryIO) -> BinaryIO:
    opener = _COMPRESSED.get(path.suffix.lower())
    return file if opener is None else opener(file)


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    """`_CHUNK` bytes at a time; an error comes after all the bytes before it."""
    chunk = b""
    try:
        while part := stream.read1(_CHUNK - len(chunk)):  # type: ignore[attr-defined]
            chunk += part
            if len(chunk) == _CHUNK:
                yield chunk
                chunk = b""
    except (OSError, EOFError, zlib.error):
        yield chunk
        raise
    yield chunk


class _Lines:
    """Cuts chunks of bytes into blocks of whole lines."""

    def __init__(self, path: Path, form: CorpusFormat) -> None:
        self.path = path
        self.form = form
        self.line = 1
        self.whole = form.whole_lines or is_json(path)
        self.pending = bytearray()
        self.end = 0  # of the last whole line in `pending`
        self.skipped = 0
        self.discarding = False
        self.at_start = True

    def add(self, chunk: bytes, consumed: int) -> Iterator[Block]:
        if self.at_start:
            chunk = chunk.removeprefix(b"\xef\xbb\xbf")
            self.at_start = False
        if self.discarding:
            start = chunk.find(b"\n") + 1
            if not start:
                return
            self.discarding = False
            self.line += 1
            chunk = chunk[start:]
        newline = chunk.rfind(b"\n")
        if newline >= 0:
            self.end = len(self.pending) + newline + 1
        self.pending += chunk
        while len(self.pending) > BLOCK:
            if self.end or not self.whole:
                yield self._block(self.end or _cut(self.pending), consumed)
            elif len(self.pending) <= MAX_RECORD:
                return
            else:
                self.refuse(f"a line of more than {MAX_RECORD >> 20} MiB", "it is left out")
                self.pending.clear()
                self.discarding = True

    def finish(self, consumed: int) -> Iterator[Block]:
        if self.pending or self.skipped:
            yield self._block(len(self.pending), consumed)

    def refuse(self, fault: str, consequence: str) -> None:
        """Raise DataError at the line reached, or count the fault where what is bad is skipped."""
        line = self.line + self.pending.count(b"\n")
        if not self.form.skip_bad:
            raise DataError(f"{self.path}:{line}: {fault}") from None
        logger.warning("%s:%d: %s; %s", self.path, line, fault, consequence)
        self.skipped += 1

    def drop_last(self) -> None:
        """Drop the line that has no end yet."""
        del self.pending[self.end :]

    def _block(self, end: int, consumed: int) -> Block:
        block = Block(self.path, self.line, bytes(self.pending[:end]), self.skipped, consumed)
        self.line += block.raw.count(b"\n")
        self.skipped = 0
        del self.pending[:end]
        self.end = 0
        return block


def _cut(line: bytearray) -> int:
    """Where to cut a long line: after its last space within a block, else between two characters."""
    end = line.rfind(b" ", 1, BLOCK) + 1
    if end:
        return end
    end = BLOCK
    while end > BLOCK - 4 and line[end] & 0xC0 == 0x80:
        end -= 1
    return end
