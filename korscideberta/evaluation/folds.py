"""Which fold each document is tested in, and the table that each fold's run reads."""

from __future__ import annotations

import csv
import logging
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from korscideberta.data.duplicates import SHINGLE, THRESHOLD, Pair, linked_groups, near_duplicates
from korscideberta.data.examples import Columns, Example, label_set
from korscideberta.data.folds import dev_documents, stratified_folds
from korscideberta.data.readers import Row, is_missing, read_table
from korscideberta.errors import ConfigError, DataError
from korscideberta.files import replacing
from korscideberta.tasks import Task, merge_rare
from korscideberta.training.finetune import Source

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class FoldOptions:
    """How documents are divided."""

    folds: int = 5
    fold_seed: int = 42
    """Not the seed of the training: runs that differ in that are to be compared on the same folds."""
    group: str | None = None
    """Column whose equal cells keep documents together, besides near-duplicates."""
    threshold: float = THRESHOLD
    """Similarity from which documents are near-duplicates; 0 does not look for any."""
    shingle: int = SHINGLE
    """Characters of a shingle."""

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ConfigError(f"--threshold {self.threshold}: must lie between 0 (no near-duplicates) and 1 (copies)")
        if self.shingle < 1:
            raise ConfigError(f"--shingle {self.shingle}: must be at least 1")


@dataclass(frozen=True, kw_only=True)
class FoldPlan:
    """All documents with their groups and folds."""

    task: Task
    """The task with its labels fixed: a rare label may be missing from a fold's training rows."""
    columns: Columns
    """Columns of the tables that `write_table` writes; there is always an id."""
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    examples: tuple[Example, ...]
    labels: tuple[str, ...]
    groups: NDArray[np.int64]
    pairs: tuple[Pair, ...]
    fold_of: NDArray[np.int64]
    dev_share: float
    """Share of a fold's training rows that select the checkpoint."""
    leaked: int
    """Documents that would have had one of their group in the training rows if folds had parted groups."""
    options: FoldOptions

    @property
    def folds(self) -> range:
        """The numbers of the folds."""
        return range(self.options.folds)

    def rest(self, fold: int) -> NDArray[np.int64]:
        """Return the documents outside a fold, in order."""
        return np.flatnonzero(self.fold_of != fold)

    def splits(self, fold: int) -> list[str]:
        """Return train, dev or test for each document: the fold is test, a share of the rest, in whole groups, dev."""
        return self._marked(self.rest(fold), "test")

    def splits_of_all(self) -> list[str]:
        """Return train or dev for each document: all train but a share, in whole groups."""
        return self._marked(np.arange(len(self.rows)), "train")

    def _marked(self, rest: NDArray[np.int64], others: str) -> list[str]:
        primary = [self.examples[i].labels[0] for i in rest]
        dev = dev_documents(primary, self.groups[rest], self.options.fold_seed, self.dev_share)
        splits = [others] * len(self.rows)
        for index, held in zip(rest.tolist(), dev.tolist(), strict=True):
            splits[index] = "dev" if held else "train"
        return splits

    def write_table(self, path: Path, splits: Sequence[str]) -> None:
        """Write all rows as a CSV file with the `split` column that gives each its own."""
        with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, self.header, restval="")
            writer.writeheader()
            for row, split in zip(self.rows, splits, strict=True):
                writer.writerow({**row.cells, "split": split})

    def write_groups(self, path: Path) -> None:
        """Write `id,group,fold,near_duplicate,similarity`, the last two naming a document's nearest near-duplicate."""
        nearest: dict[int, tuple[float, int]] = {}
        for first, second, similarity in self.pairs:
            for one, other in ((first, second), (second, first)):
                nearest[one] = max(nearest.get(one, (0.0, 0)), (similarity, other))
        with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["id", "group", "fold", "near_duplicate", "similarity"])
            for index, example in enumerate(self.examples):
                similarity, other = nearest.get(index, (0.0, -1))
                named = [self.examples[other].id, f"{similarity:.4f}"] if other >= 0 else ["", ""]
                writer.writerow([example.id, int(self.groups[index]), int(self.fold_of[index]) + 1, *named])

    def leak(self) -> dict[str, Any]:
        """Return how documents belong together, and what folds that part groups would have leaked."""
        sizes = np.bincount(self.groups)
        return {
            "documents": len(self.examples),
            "groups": len(sizes),
            "documents_in_groups": int(sizes[sizes > 1].sum()),
            "largest_group": int(sizes.max()),
            "near_duplicate_pairs": len(self.pairs),
            "leaked_if_ungrouped": self.leaked,
        }


def plan_folds(task: Task, source: Source, options: FoldOptions) -> FoldPlan:
    """Read all rows of a source's files, whatever split they name, and divide them.

    Raises:
        ConfigError: the task does not sort documents into labels, or there are too few for the folds.
        DataError: a file or a row is at fault, or an id occurs in two files.
    """
    if not task.sorts:
        raise ConfigError(f"the task {task.name} cannot be cross-validated; only those that sort documents into labels")
    paths = tuple(dict.fromkeys(path for files in source.files.values() for path in files))
    tables = [read_table(path) for path in paths]
    if source.columns is not None:
        columns = source.columns
    elif task.find_columns is not None:
        columns = task.find_columns(tables[0])
    else:
        raise ConfigError(f"the files of {task.name} have a layout of their own; name columns with --text and --label")
    for table in tables if options.group else ():
        if options.group not in table.columns:
            raise DataError(
                f"{table.path}: no column {options.group!r}; --group names one of {', '.join(table.columns)}"
            )
    read = [task.read(path, columns, None, True) for path in paths]
    rows = [row for table in tables for row in table.rows]
    examples: list[Example] = [example for part in read for example in part]
    if len(rows) != len(examples):
        raise ConfigError(f"the task {task.name} cannot be cross-validated; its files hold no document a row")
    examples = _with_own_ids(examples, read, paths, columns)
    header = list(dict.fromkeys(name for table in tables for name in table.columns))
    identity = columns.id or next(name for name in map("document{}".format, ["", *range(99)]) if name not in header)
    columns, header = replace(columns, id=identity), list(dict.fromkeys([identity, *header]))
    rows = [Row({**row.cells, identity: one.id}, row.origin) for row, one in zip(rows, examples, strict=True)]
    if source.merge_rare:
        task, splits = merge_rare(task, {"train": examples}, source.merge_rare)
        examples = splits["train"]
    texts = [
        example.text if example.text_pair is None else f"{example.text}\n{example.text_pair}" for example in examples
    ]
    pairs = near_duplicates(texts, options.threshold, options.shingle) if options.threshold else []
    groups = linked_groups(len(rows), pairs, _keys(rows, options.group) if options.group else None)
    primary = [example.labels[0] for example in examples]
    fold_of = stratified_folds(primary, groups, options.folds, options.fold_seed)
    labels = task.labels or label_set(examples)
    if len(labels) < 2:
        raise DataError(f"{paths[0]}: every row has the label {labels[0]!r}; check --label")
    plan = FoldPlan(
        task=replace(task, labels=labels),
        columns=columns,
        header=tuple(dict.fromkeys([*header, "split"])),
        rows=tuple(rows),
        examples=tuple(examples),
        labels=labels,
        groups=groups,
        pairs=tuple(pairs),
        fold_of=fold_of,
        leaked=_parted(groups, stratified_folds(primary, None, options.folds, options.fold_seed)),
        dev_share=source.dev_share,
        options=options,
    )
    _announce(plan)
    return plan


def _keys(rows: Sequence[Row], column: str) -> list[Hashable]:
    """Return the cells that keep rows together; a row whose cell is empty stands alone."""
    return [index if is_missing(row.cells[column]) else row.cells[column] for index, row in enumerate(rows)]


def _with_own_ids(
    examples: list[Example], read: Sequence[Sequence[Example]], paths: Sequence[Path], columns: Columns
) -> list[Example]:
    """Name each document so that no two have the same id: row numbers of several files get the file's name."""
    if columns.id is None and len(paths) > 1:
        examples = [
            replace(example, id=f"{path.stem}:{example.id}")
            for path, part in zip(paths, read, strict=True)
            for example in part
        ]
    seen: dict[str, str] = {}
    for example in examples:
        if example.id in seen:
            raise DataError(f"{example.origin}: id {example.id!r} was already used at {seen[example.id]}")
        seen[example.id] = example.origin
    return examples


def _parted(groups: NDArray[np.int64], fold_of: NDArray[np.int64]) -> int:
    """Count the documents one of whose group is in another fold."""
    together = Counter(zip(groups.tolist(), fold_of.tolist(), strict=True))
    size = np.bincount(groups)
    return sum(count for (group, _), count in together.items() if count < size[group])


def _announce(plan: FoldPlan) -> None:
    found = plan.leak()
    logger.info(
        "%s documents, %s groups; %s documents are not alone in theirs, the largest has %s",
        *(f"{found[name]:,}" for name in ("documents", "groups", "documents_in_groups", "largest_group")),
    )
    logger.info(
        "without groups %s documents (%.1f %%) would have been tested with one of their group in the training rows",
        f"{found['leaked_if_ungrouped']:,}",
        100 * found["leaked_if_ungrouped"] / found["documents"],
    )
    if found["largest_group"] > len(plan.examples) / plan.options.folds:
        logger.warning(
            "the largest group is larger than a fold; raise --threshold (now %s) or check --group",
            plan.options.threshold,
        )
