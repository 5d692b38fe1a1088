"""Reading zstandard files, which needs the optional package `zstandard`."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from korscideberta.errors import DependencyError

# Compressed bytes handed over at once: 4 KiB can stand for 128 MiB at the very most.
_CHUNK = 4096


def open_zstd(file: BinaryIO) -> io.BufferedReader:
    """The decompressed bytes of `file`, all its frames one after another.

    Reading raises EOFError where the last frame is cut short and OSError for what is no zstandard.

    Raises DependencyError where the package is missing.
    """
    try:
        import zstandard
    except ImportError:
        raise DependencyError("a .zst file needs the package zstandard: pip install 'korscideberta[zstd]'") from None
    return io.BufferedReader(_Frames(file, zstandard))


class _Frames(io.RawIOBase):
    """The package's own stream reader takes a truncated file for a finished one; its object interface tells."""

    def __init__(self, file: BinaryIO, zstandard: Any) -> None:
        self._file = file
        self._zstandard = zstandard
        self._frame: Any = None
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            if not self._decompress():
                return 0
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _decompress(self) -> bool:
        rest = b""
        if self._frame is not None and self._frame.eof:
            rest, self._frame = self._frame.unused_data, None
        rest = rest or self._file.read(_CHUNK)
        if not rest:
            if self._frame is not None:
                raise EOFError("the last frame is not complete")
            return False
        if self._frame is None:
            self._frame = self._zstandard.ZstdDecompressor().decompressobj()
        try:
            self._ready = memoryview(self._frame.decompress(rest))
        except self._zstandard.ZstdError as error:
            raise OSError(str(error)) from None
        return True
