"""Training lines on disk: a corpus cut into morphs by parallel processes, in shards that a later run goes on from.

A folder of shards belongs to one corpus and one set of settings. Shard N is the text file `N.txt`, in each line its
priority in the sample as 16 hexadecimal digits, a tab and the training line, and `N.json` with counts, written last.
Which lines are selected in the end depends on corpus and settings alone, not on the number of processes or on where an
earlier run was stopped; lines that cannot be among them are left out early.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from korscideberta.errors import ConfigError, DataError
from korscideberta.files import replacing, write_json
from korscideberta.tokenization.corpus import Block, CorpusFormat, read_blocks, read_texts
from korscideberta.tokenization.dictionary import dictionary_identity
from korscideberta.tokenization.lines import line_maker
from korscideberta.tokenization.processes import map_ordered
from korscideberta.tokenization.recipe import Recipe
from korscideberta.tokenization.sampling import HIGHEST, Lowest, Priorities, priorities

logger = logging.getLogger(__name__)

SHARD = 16
"""Blocks of a shard: what a run that is killed loses at most."""

_DIGITS = 16
_COMPLETE = "complete.json"
_LAYOUT = 1


@dataclass(frozen=True, kw_only=True)
class CorpusSettings:
    """What decides which lines a corpus gives."""

    recipe: Recipe
    form: CorpusFormat
    max_lines: int = 5_000_000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_lines < 1:
            raise ConfigError(f"max_lines={self.max_lines} leaves nothing to learn from")
        if not 0 <= self.seed < 2**64:
            raise ConfigError(f"seed={self.seed} is not in [0, 2^64)")


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What a stretch of a corpus holds."""

    texts: int = 0
    """Texts that are not blank."""
    lines: int = 0
    """Training lines made of them."""
    kept: int = 0
    """Training lines on disk."""
    bad: int = 0
    """Records left out and texts with characters replaced."""

    def __add__(self, other: Counts) -> Counts:
        sums = {name: value + getattr(other, name) for name, value in asdict(self).items()}
        return Counts(**sums)


@dataclass(frozen=True)
class _Segmented:
    """What became of a block: its kept lines as they stand in a shard, and their priorities."""

    path: Path
    consumed: int
    counts: Counts
    content: bytes
    priorities: Priorities


class Shards:
    """The shards of the corpus `files` in `folder`.

    Raises ConfigError where the folder holds shards of other files or settings or something else, DataError where a
    file is missing or the folder cannot be written to.
    """

    OWNER = "owner.json"
    """The file that says which corpus and settings a folder's shards come from."""

    def __init__(self, folder: Path, files: Sequence[Path], settings: CorpusSettings) -> None:
        self.folder = folder
        self.files = list(files)
        self.settings = settings
        self._sizes = [_stat(path).st_size for path in files]
        self._check_owner()

    def write(self, workers: int, progress: Callable[[int, int], None] = lambda done, total: None) -> Counts:
        """Make the shards that are missing, with `workers` processes, and return the counts of all.

        `progress` is told how many bytes of the files, as they are on disk, have been dealt with, and of how many.

        Raises DataError for a file that cannot be read, a bad record, and where there is no line to learn from.
        """
        shards = self.finished()
        if not (self.folder / _COMPLETE).is_file():
            if shards:
                logger.info("going on after %d finished shards in %s", shards, self.folder)
            self._write_missing(shards, workers, progress)
            write_json(self.folder / _COMPLETE, {})
        counts = sum(map(self._counts, range(self.finished())), Counts())
        if not counts.lines:
            raise DataError("no text to train a tokenizer on: every line is empty")
        return counts

    def select(self, counts: Counts) -> Selection:
        """The lines to train on: all of them, or the sample of `max_lines`."""
        paths = [self._text(number) for number in range(self.finished())]
        if counts.lines <= self.settings.max_lines:
            return Selection(paths, HIGHEST)
        lowest = Lowest(self.settings.max_lines)
        for path in paths:
            lowest.add(_read_priorities(path))
        return Selection(paths, lowest.settle())

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder)

    def _write_missing(self, shard: int, workers: int, progress: Callable[[int, int], None]) -> None:
        lowest = Lowest(self.settings.max_lines)
        for number in range(shard):
            lowest.add(_read_priorities(self._text(number)))
        blocks = itertools.islice(enumerate(self._blocks()), shard * SHARD, None)
        tasks = ((number, block, lowest.bound) for number, block in blocks)
        starts = dict(zip(self.files, itertools.accumulate(self._sizes, initial=0), strict=False))
        done = map_ordered(functools.partial(_segmenter, self.settings), tasks, workers)
        with contextlib.closing(done):
            while group := list(itertools.islice(done, 1)):
                counts = Counts()
                with replacing(self._text(shard)) as temporary, temporary.open("wb") as file:
                    for segmented in itertools.chain(group, itertools.islice(done, SHARD - 1)):
                        file.write(segmented.content)
                        lowest.add(segmented.priorities)
                        counts += segmented.counts
                        progress(starts[segmented.path] + segmented.consumed, sum(self._sizes))
                write_json(self._text(shard).with_suffix(".json"), asdict(counts))
                shard += 1

    def _blocks(self) -> Iterator[Block]:
        for path in self.files:
            yield from read_blocks(path, self.settings.form)

    def _text(self, number: int) -> Path:
        return self.folder / f"{number:06d}.txt"

    def finished(self) -> int:
        """How many shards there are."""
        return next(n for n in itertools.count() if not self._text(n).with_suffix(".json").is_file())

    def _counts(self, number: int) -> Counts:
        return Counts(**json.loads(self._text(number).with_suffix(".json").read_text(encoding="utf-8")))

    def _check_owner(self) -> None:
        record = json.loads(json.dumps(self._record()))
        path = self.folder / self.OWNER
        if self.folder.exists() and any(self.folder.iterdir()):
            try:
                found = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                raise ConfigError(f"{self.folder}: exists and holds no training lines of ours; remove it") from None
            other = [name for name, value in record.items() if found.get(name) != value]
            if other and self.finished():
                raise ConfigError(
                    f"{self.folder}: left by a run with other {other[0]}; repeat that, or add --overwrite"
                )
            for leftover in self.folder.glob(".*.tmp"):
                leftover.unlink()
        write_json(path, record)

    def _record(self) -> dict[str, Any]:
        recipe = self.settings.recipe
        return {
            "files": [
                [str(path.resolve()), status.st_size, status.st_mtime_ns]
                for path, status in zip(self.files, map(_stat, self.files), strict=True)
            ],
            "analyser": {
                **recipe.to_dict(),
                "identity": None if recipe.engine == "none" else dictionary_identity(recipe.dictionary),
            },
            "reading": asdict(self.settings.form),
            "max_lines": self.settings.max_lines,
            "seed": self.settings.seed,
            "layout": _LAYOUT,
        }


@dataclass(frozen=True)
class Selection:
    """Training lines: those in the shards `paths` whose priority is at most `bound`. Pickles as these two."""

    paths: list[Path]
    bound: int

    def __iter__(self) -> Iterator[str]:
        bound = b"%016x" % self.bound
        for path in self.paths:
            with path.open("rb") as file:
                for line in file:
                    if line[:_DIGITS] <= bound:
                        yield line[_DIGITS + 1 : -1].decode("utf-8")


def _segmenter(settings: CorpusSettings) -> Callable[[tuple[int, Block, int]], _Segmented]:
    training_lines = line_maker(settings.recipe)

    def segment(task: tuple[int, Block, int]) -> _Segmented:
        number, block, bound = task
        texts, bad = read_texts(block, settings.form)
        by_text = [list(training_lines(text)) for text in texts]
        lines = list(itertools.chain.from_iterable(by_text))
        numbers = priorities(settings.seed, number, len(lines))
        content = b"".join(
            b"%016x\t%s\n" % (priority, line.encode("utf-8"))
            for priority, line in zip(numbers.tolist(), lines, strict=True)
            if priority <= bound
        )
        kept = numbers[numbers <= bound]
        counts = Counts(texts=sum(map(bool, by_text)), lines=len(lines), kept=len(kept), bad=bad)
        return _Segmented(block.path, block.consumed, counts, content, kept)

    return segment


def _read_priorities(path: Path) -> Priorities:
    with path.open("rb") as file:
        return np.fromiter((int(line[:_DIGITS], 16) for line in file), dtype=np.uint64)


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
