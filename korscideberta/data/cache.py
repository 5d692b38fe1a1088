"""Encoded data sets on disk, so that the next run on the same texts need not encode them again.

An entry holds arrays of whole numbers and is named by a digest of everything that decides its content: the texts
themselves, the tokenizer's fingerprint, and what is kept of them. It is written under a temporary name and renamed,
never altered, and memory-mapped by every process that reads it. What cannot be read whole is encoded anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from korscideberta.errors import DataError
from korscideberta.files import replacing
from korscideberta.tokenization.parallel import Row

logger = logging.getLogger(__name__)

LIMIT = 10 * 2**30
"""Bytes that the entries together may take; those used longest ago are removed."""

_SUFFIX = ".encoded"
_MAGIC = b"korsci02"
_DIGEST_END = len(_MAGIC) + 32
_ABANDONED = 24 * 3600


def cache_folder() -> Path:
    """`$KORSCI_CACHE`, or the folder that the system has for such files."""
    if given := os.environ.get("KORSCI_CACHE"):
        return Path(given)
    home = Path.home()
    if sys.platform == "darwin":
        base = home / "Library/Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData/Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "korscideberta"


def entry_name(rows: Iterable[Row], tokenizer_digest: str, form: int | str | None) -> str:
    """The name of the entry for these texts, encoded by the tokenizer with that fingerprint.

    `form` says what is kept of them: so many tokens of each at most, all with None, or something that has a name.
    """
    digest = hashlib.sha256(json.dumps([_MAGIC.decode(), tokenizer_digest, form]).encode())
    for row in rows:
        # The lengths keep one row from reading as another: no two lists of rows give the same bytes.
        parts = [b"-" if text is None else text.encode("utf-8", "surrogatepass") for text in row]
        digest.update(b"%d %d\n" % (len(parts[0]), -1 if row[1] is None else len(parts[1])))
        digest.update(b"".join(parts))
    return digest.hexdigest() + _SUFFIX


def read_entry(path: Path) -> tuple[NDArray[np.int32], ...] | None:
    """The arrays of the entry at `path`, memory-mapped; None where there is none, or with a warning none that is whole.

    They have one dimension.
    """
    try:
        content = np.memmap(path, dtype=np.uint8, mode="r")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        logger.warning("%s: cannot be read (%s); the texts are encoded again", path, error)
        return None
    head = content[:_DIGEST_END].tobytes()
    if (
        head[: len(_MAGIC)] != _MAGIC
        or hashlib.sha256(content.data[_DIGEST_END:]).digest() != head[len(_MAGIC) : _DIGEST_END]
    ):
        logger.warning("%s: damaged; the texts are encoded again", path)
        return None
    count = int.from_bytes(content[_DIGEST_END : _DIGEST_END + 8].tobytes(), "little")
    begin = _DIGEST_END + 8 * (count + 1)
    ends = np.cumsum(content[_DIGEST_END + 8 : begin].view("<i8")).tolist()
    values = content[begin:].view("<i4")
    # Time of last use, by which entries are removed.
    with suppress(OSError):
        os.utime(path)
    return tuple(values[start:end] for start, end in zip([0, *ends], ends, strict=False))


def write_entry(path: Path, arrays: Sequence[NDArray[np.int32]]) -> None:
    """Write an entry and remove old ones beyond `LIMIT`; a failure is only warned of, the run goes on without."""
    parts: list[bytes | memoryview] = [
        np.array([len(arrays), *(array.size for array in arrays)], dtype="<i8").tobytes(),
        *(np.ascontiguousarray(array, dtype="<i4").reshape(-1).data for array in arrays),
    ]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            file.write(_MAGIC + digest.digest())
            for part in parts:
                file.write(part)
        _remove_old(path)
    except (DataError, OSError) as error:
        logger.warning("the encoded texts are not kept: %s", error)


def _remove_old(newest: Path) -> None:
    """Remove the entries beside `newest` used longest ago until all fit in `LIMIT`, and abandoned temporary files."""
    entries = []
    for path in newest.parent.iterdir():
        # Another process may remove one meanwhile.
        with suppress(FileNotFoundError):
            state = path.stat()
            if path.name.endswith(_SUFFIX) and path != newest:
                entries.append((state.st_mtime, state.st_size, path))
            elif path.name.endswith(".tmp") and _SUFFIX in path.name and state.st_mtime < time.time() - _ABANDONED:
                path.unlink()
    room = LIMIT - newest.stat().st_size
    for _, size, path in sorted(entries, reverse=True):
        room -= size
        if room < 0:
            path.unlink(missing_ok=True)
