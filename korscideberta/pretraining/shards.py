"""Shards of tokens: the prepared corpus that training reads, and reading it without loading it.

A folder holds `index.json`, `tokenizer/` and, for each split, shards `SPLIT-NNNNN` of three files of little-endian
numbers: `.ids` the tokens, `.flags` a byte for each token (see `flags`), `.starts` the places where documents begin.
`index.json`, which is written last, has their sizes and SHA-256. Documents are never cut across shards.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from korscideberta.errors import DataError
from korscideberta.files import file_sha256, write_json

logger = logging.getLogger(__name__)

INDEX = "index.json"
TOKENIZER = "tokenizer"
SPLITS = ("train", "valid")
SHARD = 1 << 26
"""Tokens after which a shard ends with the next document or part."""

_FORMAT = 1
_ENDINGS = ("ids", "flags", "starts")


class ShardWriter:
    """Writes the shards of one split; what it has written counts only once the index names it."""

    def __init__(self, folder: Path, split: str, dtype: Any, size: int = SHARD) -> None:
        self.folder = folder
        self.split = split
        self.size = size
        self.shards: list[dict[str, Any]] = []
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._open: _OpenShard | None = None

    def add(self, ids: NDArray[Any], flags: NDArray[np.uint8], starts: NDArray[np.int64]) -> None:
        """Append whole documents: their tokens and where, among those, each begins."""
        if not len(ids):
            return
        if self._open is None:
            self._open = _OpenShard(self.folder / f"{self.split}-{len(self.shards):05d}")
        shard = self._open
        shard.write("ids", ids.astype(self._dtype))
        shard.write("flags", flags)
        shard.write("starts", (starts + shard.tokens).astype("<u8"))
        shard.tokens += len(ids)
        shard.documents += len(starts)
        if shard.tokens >= self.size:
            self.close()

    def close(self) -> None:
        """Finish the shard that is open."""
        if self._open is not None:
            self.shards.append(self._open.finish())
            self._open = None


class _OpenShard:
    def __init__(self, stem: Path) -> None:
        self.stem = stem
        self.tokens = self.documents = 0
        self._files: dict[str, BinaryIO] = {}
        self._digests = {ending: hashlib.sha256() for ending in _ENDINGS}
        with _told(stem), ExitStack() as stack:
            for ending in _ENDINGS:
                self._files[ending] = stack.enter_context(stem.with_suffix(f".{ending}").open("wb"))
            self._stack = stack.pop_all()

    def write(self, ending: str, numbers: NDArray[Any]) -> None:
        content = numbers.tobytes()
        with _told(self.stem):
            self._files[ending].write(content)
        self._digests[ending].update(content)

    def finish(self) -> dict[str, Any]:
        with _told(self.stem):
            for file in self._files.values():
                file.flush()
                os.fsync(file.fileno())
            self._stack.close()
        return {
            "name": self.stem.name,
            "tokens": self.tokens,
            "documents": self.documents,
            "sha256": {ending: digest.hexdigest() for ending, digest in self._digests.items()},
        }


@contextmanager
def _told(stem: Path) -> Iterator[None]:
    """Say of an error of the disk which shard could not be written."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{stem}: cannot be written ({error.strerror or error}); make room and repeat the command, which keeps "
            "what is done"
        ) from None


def write_index(folder: Path, writers: Mapping[str, ShardWriter], content: Mapping[str, Any]) -> None:
    """Close the shards and write the index, which makes the folder a prepared corpus; `content` is kept in it."""
    for writer in writers.values():
        writer.close()
    splits = {split: writer.shards for split, writer in writers.items()}
    dtype = next(iter(writers.values()))._dtype.name
    write_json(folder / INDEX, {"format": _FORMAT, "dtype": dtype, "splits": splits, **content})


@dataclass(frozen=True)
class Shard:
    """One shard, its files mapped into memory."""

    ids: NDArray[Any]
    flags: NDArray[np.uint8]
    starts: NDArray[np.uint64]


@dataclass(frozen=True)
class PreparedCorpus:
    """A folder that `korsci pretrain prepare` made."""

    folder: Path
    index: dict[str, Any]

    @classmethod
    def open(cls, folder: Path) -> PreparedCorpus:
        """Read the index of a folder; DataError where there is none or it is damaged."""
        path = folder / INDEX
        try:
            index = json.loads(path.read_text(encoding="utf-8"))
            splits = {split: index["splits"][split] for split in SPLITS}
            if index["format"] != _FORMAT or not isinstance(index["tokenizer"], dict) or not splits:
                raise ValueError(f"its format is {index['format']!r}")
        except FileNotFoundError:
            raise DataError(
                f"{folder}: not a prepared corpus (no {INDEX}); make one with 'korsci pretrain prepare'"
            ) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: damaged ({error!r}); prepare the corpus again with --overwrite") from None
        return cls(folder, index)

    @property
    def tokenizer_folder(self) -> Path:
        """The tokenizer the corpus was encoded with."""
        return self.folder / TOKENIZER

    def tokens(self, split: str) -> int:
        """How many tokens a split has."""
        return sum(shard["tokens"] for shard in self.index["splits"][split])

    def digest(self) -> str:
        """A digest of the content of all shards."""
        return hashlib.sha256(json.dumps(self.index["splits"], sort_keys=True).encode()).hexdigest()

    def verify(self) -> None:
        """Raise DataError, naming the file, where a shard is not what was written."""
        for split in SPLITS:
            for shard in self.index["splits"][split]:
                for ending, expected in shard["sha256"].items():
                    path = self.folder / f"{shard['name']}.{ending}"
                    try:
                        found = file_sha256(path)
                    except OSError as error:
                        raise DataError(f"{path}: cannot be read ({error.strerror}); {_AGAIN}") from None
                    if found != expected:
                        raise DataError(f"{path}: damaged (its SHA-256 is not that of {INDEX}); {_AGAIN}")

    def shards(self, split: str) -> list[Shard]:
        """The shards of a split."""
        return [self._shard(shard) for shard in self.index["splits"][split]]

    def _shard(self, entry: Mapping[str, Any]) -> Shard:
        types = {"ids": self.index["dtype"], "flags": "uint8", "starts": "uint64"}
        counts = {"ids": entry["tokens"], "flags": entry["tokens"], "starts": entry["documents"]}
        arrays = []
        for ending in _ENDINGS:
            path = self.folder / f"{entry['name']}.{ending}"
            dtype = np.dtype(types[ending]).newbyteorder("<")
            try:
                array = np.memmap(path, dtype=dtype, mode="r")
            except (OSError, ValueError) as error:
                raise DataError(
                    f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}); {_AGAIN}"
                ) from None
            if len(array) != counts[ending]:
                raise DataError(f"{path}: has {len(array)} numbers, {INDEX} says {counts[ending]}; {_AGAIN}")
            arrays.append(array)
        return Shard(*arrays)


_AGAIN = "prepare the corpus again with --overwrite"
