"""Text files in UTF-8 or CP949, of any size."""

from __future__ import annotations

import codecs
import functools
import logging
from pathlib import Path
from typing import BinaryIO, TextIO

from korscideberta.errors import DataError

logger = logging.getLogger(__name__)

_BLOCK = 1 << 16


def find_encoding(path: Path) -> str:
    """Return the encoding of a text file: UTF-8 or, failing that, CP949, which is announced once.

    The whole file is gone through, in pieces.

    Raises:
        DataError: the file cannot be opened or is in neither encoding.
    """
    with _opened(path) as stream:
        line = _undecodable_line(stream, "utf-8-sig")
        if line is None:
            return "utf-8-sig"
        stream.seek(0)
        if _undecodable_line(stream, "cp949") is not None:
            raise DataError(
                f"{path}:{line}: neither UTF-8 nor CP949 text; save the file as UTF-8 (in Excel: 'CSV UTF-8')"
            )
    _announce(path)
    return "cp949"


def open_text(path: Path, *, encoding: str | None = None, newline: str = "") -> TextIO:
    """Open a text file; line ends are left as they are.

    Args:
        path: the file.
        encoding: what `find_encoding` found; None has it look.
        newline: what ends a line; the default is any of the three usual breaks.

    Raises:
        DataError: the file cannot be opened or, where nobody has looked, is in neither encoding.
    """
    known = encoding or find_encoding(path)
    try:
        return path.open(encoding=known, newline=newline)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def read_text(path: Path) -> str:
    """Read a whole text file; encodings and errors as in `open_text`."""
    with open_text(path) as stream:
        return stream.read()


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def _undecodable_line(stream: BinaryIO, encoding: str) -> int | None:
    """Return the line of the first bytes that are not in an encoding; None where all are."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    while True:
        block = stream.read(_BLOCK)
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            # What the decoder had kept of the block before is the beginning of a character, so no line end.
            return line + error.object.count(b"\n", 0, error.start)
        if not block:
            return None
        line += block.count(b"\n")


@functools.lru_cache(maxsize=64)
def _announce(path: Path) -> None:
    logger.warning("%s: not UTF-8; read as CP949 (EUC-KR)", path)
