"""From a corpus to shards of tokens: clean and encode, find what is repeated, put together what is left."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from korscideberta.errors import ConfigError, DataError
from korscideberta.pretraining.duplicates import BANDS, Keys, mark_later, repeated_keys
from korscideberta.pretraining.flags import DOCUMENT, SENTENCE
from korscideberta.pretraining.shards import INDEX, SPLITS, TOKENIZER, PreparedCorpus, ShardWriter, write_index
from korscideberta.pretraining.work import Part, PrepareSettings, Work, remove_work, token_type, work_record
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

logger = logging.getLogger(__name__)

_SAME, _ALIKE = "same.marks", "alike.marks"


def prepare_corpus(
    files: Sequence[Path],
    folder: Path,
    tokenizer: DebertaV2Tokenizer,
    settings: PrepareSettings,
    *,
    workers: int = 1,
    overwrite: bool = False,
    on_reading: Callable[[int, int], None] = lambda done, total: None,
    on_stage: Callable[[str], None] = lambda stage: None,
) -> PreparedCorpus:
    """Encode the documents of `files` into shards in `folder`, and return them.

    Work in progress is in FOLDER.work until the shards are whole; a call that finds it there goes on with it. What
    comes out depends on the files, the tokenizer and the settings alone. `on_reading` is told bytes read and bytes in
    all, `on_stage` what comes after that.

    Raises ConfigError where the folder holds a corpus already, or the work of another call, unless `overwrite` is
    given, which starts anew; DataError for bad files and where nothing is left to train on.
    """
    if (folder / INDEX).exists() and not overwrite:
        raise ConfigError(f"--out {folder}: holds a prepared corpus already; add --overwrite to replace it")
    scratch = folder.with_name(f"{folder.name}.work")
    if overwrite:
        remove_work(scratch)
    work = Work(scratch, files, tokenizer, settings)
    work.write(workers, on_reading)
    on_stage("looking for what is repeated")
    repeated = _find_repeated(work, settings)
    on_stage("writing shards")
    (folder / INDEX).unlink(missing_ok=True)
    _remove_shards(folder)
    tokenizer.save_pretrained(folder / TOKENIZER)
    writers = {split: ShardWriter(folder, split, token_type(tokenizer)) for split in SPLITS}
    counts = {**work.counts(), **_assemble(work, repeated, settings, writers)}
    for writer in writers.values():
        writer.close()
    if not any(shard["tokens"] for shard in writers["train"].shards):
        work.remove()
        raise DataError(f"{files[0]}: no text to train on; of {counts.get('documents', 0):,} documents none is left")
    write_index(
        folder,
        writers,
        {
            "tokenizer": tokenizer.fingerprint(),
            "vocab_size": len(tokenizer),
            "counts": counts,
            "made_from": work.record,
        },
    )
    work.remove()
    return PreparedCorpus.open(folder)


def prepared_corpus(
    files: Sequence[Path], folder: Path, tokenizer: DebertaV2Tokenizer, settings: PrepareSettings, **options: Any
) -> PreparedCorpus:
    """The corpus in `folder` where it was made from just this, else `prepare_corpus`, with its further options.

    Raises ConfigError where the folder holds a corpus that was made from something else.
    """
    if not (folder / INDEX).exists():
        return prepare_corpus(files, folder, tokenizer, settings, **options)
    corpus = PreparedCorpus.open(folder)
    wanted, found = work_record(files, tokenizer, settings), corpus.index.get("made_from", {})
    other = [name for name, value in wanted.items() if found.get(name) != value]
    if other:
        raise ConfigError(
            f"{folder}: a corpus prepared from other {other[0]}; remove it, or train with --data {folder}"
        )
    return corpus


@dataclass(frozen=True)
class _Repeated:
    """What the corpus holds several times."""

    line_keys: Keys
    """Of lines that are boilerplate, ascending."""
    first_lines: NDArray[np.int64]
    """Where each of these occurs first, counting all lines."""
    same: NDArray[np.bool_] | None
    """(documents,) the same as an earlier one; None where nobody asks"""
    alike: NDArray[np.bool_] | None
    """(documents,) almost the same as an earlier one, or the same"""


def _find_repeated(work: Work, settings: PrepareSettings) -> _Repeated:
    cleaning = settings.cleaning
    documents = sum(len(keys) for keys in work.keys("document_keys"))
    lines, first = np.empty(0, np.uint64), np.empty(0, np.int64)
    if cleaning.boilerplate:
        total = sum(len(keys) for keys in work.keys("line_keys"))
        lines, first = repeated_keys(lambda: work.keys("line_keys"), total, cleaning.boilerplate)
    same = alike = None
    if cleaning.duplicates and documents:
        same = _marks(work.folder / _SAME, documents)
        mark_later(lambda: work.keys("document_keys"), documents, same)
    if cleaning.near_duplicates and documents:
        alike = _marks(work.folder / _ALIKE, documents)
        for band in range(BANDS):
            mark_later(lambda band=band: (keys[band::BANDS] for keys in work.keys("band_keys")), documents, alike)  # type: ignore[misc]
    return _Repeated(lines, first, same, alike)


def _marks(path: Path, count: int) -> NDArray[np.bool_]:
    """False for each of `count` documents, in a file, because there may be hundreds of millions."""
    return np.memmap(path, dtype=np.bool_, mode="w+", shape=(count,))


def _assemble(
    work: Work, repeated: _Repeated, settings: PrepareSettings, writers: dict[str, ShardWriter]
) -> dict[str, int]:
    """Write what is left of every part and return counts of what is not, and of what is."""
    counts = {
        "lines_of_boilerplate": 0, "documents_repeated": 0, "documents_almost_repeated": 0,
        **{f"{split}_{what}": 0 for split in SPLITS for what in ("documents", "tokens")},
    }  # fmt: skip
    line = document = 0
    for part in work.parts():
        count = len(part.document_keys)
        same, alike = (
            np.zeros(count, dtype=bool) if marks is None else np.asarray(marks[document : document + count])
            for marks in (repeated.same, repeated.alike)
        )
        counts["documents_repeated"] += int(same.sum())
        counts["documents_almost_repeated"] += int((alike & ~same).sum())
        boilerplate = _boilerplate(part, line, repeated)
        counts["lines_of_boilerplate"] += int(boilerplate.sum())
        valid = part.document_keys < np.uint64(int(settings.valid_share * 2**64))
        for split, chosen in (("train", ~valid), ("valid", valid)):
            ids, flags, starts = _select(part, chosen & ~same & ~alike, ~boilerplate)
            writers[split].add(ids, flags, starts)
            counts[f"{split}_documents"] += len(starts)
            counts[f"{split}_tokens"] += len(ids)
        line += len(part.line_tokens)
        document += count
    return counts


def _boilerplate(part: Part, start: int, repeated: _Repeated) -> NDArray[np.bool_]:
    """Which lines of a part are boilerplate that occurred before; its first line is line number `start` of all."""
    known = repeated.line_keys
    if not len(known) or not len(part.line_keys):
        return np.zeros(len(part.line_tokens), dtype=bool)
    place = np.searchsorted(known, part.line_keys).clip(max=len(known) - 1)
    later = repeated.first_lines[place] != start + np.arange(len(part.line_keys))
    boilerplate: NDArray[np.bool_] = later & (known[place] == part.line_keys)
    return boilerplate


def _select(
    part: Part, documents: NDArray[np.bool_], lines: NDArray[np.bool_]
) -> tuple[NDArray[Any], NDArray[np.uint8], NDArray[np.int64]]:
    """The tokens and flags of the chosen documents without the lines that are not chosen, and where documents begin."""
    document_of_line = np.repeat(np.arange(len(documents)), part.document_lines)
    kept = documents[document_of_line] & lines & (part.line_tokens > 0)
    inside = np.repeat(kept, part.line_tokens)
    ids, flags = part.ids[inside], part.flags[inside].copy()
    lengths = part.line_tokens[kept].astype(np.int64)
    owner = document_of_line[kept]
    begins = np.append(True, owner[1:] != owner[:-1])[: len(owner)]
    starts = (np.cumsum(lengths) - lengths)[begins]
    flags[starts] |= DOCUMENT | SENTENCE
    return ids, flags, starts


def _remove_shards(folder: Path) -> None:
    """Delete the shards that an earlier call left, whole or not."""
    if folder.is_dir():
        for path in folder.iterdir():
            if path.suffix in (".ids", ".flags", ".starts") and path.name.startswith(SPLITS):
                path.unlink()


def describe(corpus: PreparedCorpus) -> Iterator[str]:
    """Lines that say what was read, what was left out and why, and what there is."""
    counts = corpus.index["counts"]
    yield f"{counts.get('documents', 0):,} documents of {counts.get('lines', 0):,} lines were read"
    for name in sorted(counts):
        what, _, why = name.partition("_")
        if counts[name] and why and what in ("documents", "lines", "bad"):
            yield f"  {counts[name]:>12,} {name.replace('_', ' ')}"
    for split in SPLITS:
        yield f"{split}: {counts[f'{split}_documents']:,} documents, {counts[f'{split}_tokens']:,} tokens"
