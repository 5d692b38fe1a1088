"""The first stage of preparing a corpus: cleaned, encoded documents with their keys, in parts that a later run keeps.

Part N is `N.npz`, the arrays of `Part`, and `N.json`, its counts, written last. What is in a part depends on the files,
the tokenizer and the settings alone, not on the number of processes or on where an earlier run was stopped.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import json
import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from korscideberta.errors import ConfigError, DataError
from korscideberta.files import leftovers, replacing, write_json
from korscideberta.pretraining.cleaning import STEPS, Cleaning, clean_document
from korscideberta.pretraining.documents import DocumentFormat, document_blocks, read_documents
from korscideberta.pretraining.duplicates import BANDS, NONE, Keys, as_keys, band_keys, text_key
from korscideberta.pretraining.flags import LineEncoder
from korscideberta.tokenization.corpus import Block
from korscideberta.tokenization.processes import map_ordered
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

logger = logging.getLogger(__name__)

PART = 16
"""Blocks of a part: what a run that is killed loses at most."""

_RUN = 64
"""Neighbouring documents that a sample takes or leaves together, so that what is taken reads on."""
_OWNER, _COMPLETE = "owner.json", "complete.json"
_LAYOUT = 1


@dataclass(frozen=True, kw_only=True)
class PrepareSettings:
    """What, beside the files and the tokenizer, decides what a corpus becomes."""

    form: DocumentFormat
    cleaning: Cleaning
    valid_share: float = 0.005
    """Share of the documents that are for validation, chosen by their hash."""
    shares: tuple[tuple[str, float], ...] = ()
    """Names of files, `*` for anything, and the share of their documents to take; the first that fits counts."""
    seed: int = 0
    """Of those samples."""

    def __post_init__(self) -> None:
        if not 0 <= self.valid_share < 1:
            raise ConfigError(f"--valid-share {self.valid_share}: give a share from 0 to below 1")
        for pattern, share in self.shares:
            if not 0 < share <= 1:
                raise ConfigError(f"--share {pattern}={share}: give a share above 0 and at most 1")

    def share_of(self, path: Path) -> float:
        """The share of the documents of a file to take."""
        return next((share for pattern, share in self.shares if fnmatch(path.name, pattern)), 1.0)


@dataclass(frozen=True)
class Part:
    """Encoded documents, one after another."""

    ids: NDArray[Any]
    flags: NDArray[np.uint8]
    line_tokens: NDArray[np.uint32]
    """Tokens of every line."""
    line_keys: Keys
    """What lines that are repeated have in common; empty where nobody asks."""
    document_lines: NDArray[np.uint32]
    """Lines of every document."""
    document_keys: Keys
    band_keys: Keys
    """(documents, BANDS), without rows where nobody asks."""

    @classmethod
    def joined(cls, parts: Sequence[Part]) -> Part:
        """The documents of all parts."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


@dataclass(frozen=True)
class _Worked:
    path: Path
    consumed: int
    counts: Counter[str]
    part: Part


class Work:
    """The parts of the corpus `files` in `folder`.

    Raises ConfigError where the folder holds the work on other files, with another tokenizer or settings, or something
    else; DataError where a file is missing or the folder cannot be written to.
    """

    def __init__(
        self, folder: Path, files: Sequence[Path], tokenizer: DebertaV2Tokenizer, settings: PrepareSettings
    ) -> None:
        self.folder = folder
        self.files = list(files)
        self.tokenizer = tokenizer
        self.settings = settings
        self.record = work_record(files, tokenizer, settings)
        self._check_owner()

    def write(self, workers: int, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Make the parts that are missing, with `workers` processes.

        `progress` is told how many bytes of the files, as they are on disk, have been dealt with, and of how many.

        Raises DataError for a file that cannot be read and a bad record.
        """
        if (self.folder / _COMPLETE).is_file():
            return
        number = self.finished()
        if number:
            logger.info("going on after %d finished parts in %s", number, self.folder)
        sizes = [size for _, size, _ in self.record["files"]]
        starts = dict(zip(self.files, itertools.accumulate(sizes, initial=0), strict=False))
        blocks = itertools.islice(self._blocks(), number * PART, None)
        start = functools.partial(_worker, self.tokenizer, self.settings)
        with contextlib.closing(map_ordered(start, blocks, workers)) as done:
            while group := list(itertools.islice(done, PART)):
                self._save(number, Part.joined([worked.part for worked in group]))
                write_json(self._path(number, "json"), sum((worked.counts for worked in group), Counter()))
                number += 1
                progress(starts[group[-1].path] + group[-1].consumed, sum(sizes))
        write_json(self.folder / _COMPLETE, {})

    def finished(self) -> int:
        """How many parts there are."""
        return next(n for n in itertools.count() if not self._path(n, "json").is_file())

    def counts(self) -> Counter[str]:
        """What was read and cleaned away, all parts together."""
        parts = (json.loads(self._path(n, "json").read_text(encoding="utf-8")) for n in range(self.finished()))
        return sum(map(Counter, parts), Counter())

    def parts(self) -> Iterator[Part]:
        """All parts, one at a time."""
        for number in range(self.finished()):
            with np.load(self._path(number, "npz")) as arrays:
                yield Part(*(arrays[field.name] for field in fields(Part)))

    def keys(self, name: str) -> Iterator[Keys]:
        """One array of keys of every part, flat."""
        for number in range(self.finished()):
            with np.load(self._path(number, "npz")) as arrays:
                yield arrays[name].ravel()

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder)

    def _save(self, number: int, part: Part) -> None:
        with replacing(self._path(number, "npz")) as temporary, temporary.open("wb") as file:
            np.savez(file, **{field.name: getattr(part, field.name) for field in fields(part)})

    def _blocks(self) -> Iterator[Block]:
        for path in self.files:
            yield from document_blocks(path, self.settings.form)

    def _path(self, number: int, ending: str) -> Path:
        return self.folder / f"{number:06d}.{ending}"

    def _check_owner(self) -> None:
        path = self.folder / _OWNER
        if self.folder.exists() and any(self.folder.iterdir()):
            try:
                found = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                raise ConfigError(f"{self.folder}: exists and holds no work of ours; remove it") from None
            other = [name for name, value in self.record.items() if found.get(name) != value]
            if other and self.finished():
                raise ConfigError(
                    f"{self.folder}: left by a run with other {other[0]}; repeat that, or add --overwrite"
                )
            for leftover in leftovers(self.folder):
                leftover.unlink()
        write_json(path, self.record)


def work_record(files: Sequence[Path], tokenizer: DebertaV2Tokenizer, settings: PrepareSettings) -> dict[str, Any]:
    """All that a prepared corpus depends on, as JSON content; DataError where a file is missing."""
    stats = []
    for path in files:
        try:
            status = path.stat()
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror})") from None
        stats.append([str(path.resolve()), status.st_size, status.st_mtime_ns])
    record = {
        "files": stats,
        "tokenizer": tokenizer.fingerprint(),
        "settings": asdict(settings),
        "layout": _LAYOUT,
    }
    plain: dict[str, Any] = json.loads(json.dumps(record))
    return plain


def remove_work(folder: Path) -> None:
    """Delete a folder of parts, whichever corpus they are of; anything else is left alone."""
    if (folder / _OWNER).is_file():
        shutil.rmtree(folder)


def token_type(tokenizer: DebertaV2Tokenizer) -> type[np.unsignedinteger[Any]]:
    """The smallest type that holds every id of a tokenizer."""
    return np.uint16 if len(tokenizer) <= 1 << 16 else np.uint32


def _worker(tokenizer: DebertaV2Tokenizer, settings: PrepareSettings) -> Callable[[Block], _Worked]:
    encoder = LineEncoder(tokenizer)

    def work(block: Block) -> _Worked:
        documents, bad = read_documents(block, settings.form)
        counts = Counter(dict.fromkeys(STEPS, 0))
        counts["documents"] = len(documents)
        counts["lines"] = sum(map(len, documents))
        counts["characters"] = sum(len(line) for lines in documents for line in lines)
        counts["bad_records"] = bad
        taken = list(_sampled(documents, block, settings))
        counts["documents_not_sampled"] = len(documents) - len(taken)
        kept = [lines for lines in (clean_document(lines, settings.cleaning, counts) for lines in taken) if lines]
        return _Worked(block.path, block.consumed, counts, _part(kept, encoder, tokenizer, settings.cleaning))

    return work


def _sampled(documents: list[list[str]], block: Block, settings: PrepareSettings) -> Iterator[list[str]]:
    share = settings.share_of(block.path)
    for start in range(0, len(documents), _RUN):
        if share < 1:
            name = f"{settings.seed}\0{block.path.name}\0{block.line}\0{start}".encode()
            if int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little") >= share * 2**64:
                continue
        yield from documents[start : start + _RUN]


def _part(documents: list[list[str]], encoder: LineEncoder, tokenizer: DebertaV2Tokenizer, cleaning: Cleaning) -> Part:
    encoded = encoder.encode([line for lines in documents for line in lines])
    texts = [" ".join(lines) for lines in documents]
    line_keys = np.empty(0, np.uint64)
    if cleaning.boilerplate:
        line_keys = as_keys(text_key(line) for lines in documents for line in lines)
    bands = np.full((0, BANDS), NONE)
    if cleaning.near_duplicates:
        bands = band_keys(texts)
    return Part(
        ids=encoded.ids.astype(token_type(tokenizer)),
        flags=encoded.flags,
        line_tokens=encoded.lengths.astype(np.uint32),
        line_keys=line_keys,
        document_lines=np.fromiter(map(len, documents), dtype=np.uint32, count=len(documents)),
        document_keys=as_keys(map(text_key, texts)),
        band_keys=bands,
    )
