"""Predicted labels with probabilities, as the files of a run directory and of `korsci predict` hold them.

Shapes: N documents, C labels.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from korscideberta.data.examples import Example
from korscideberta.data.spreadsheets import write_sheet
from korscideberta.errors import ModelError
from korscideberta.files import replacing
from korscideberta.metrics.levels import Level
from korscideberta.metrics.parts import Part
from korscideberta.metrics.topk import Outcomes, outcomes, rank_labels

Ranked = list[tuple[str, float]]
"""Labels with probabilities, best first."""

Cell = str | int | float

_Row = tuple[tuple[str, ...], tuple[float, ...]]
"""What a row of a file has at one level: labels, best first, and their probabilities."""


def top_labels(logits: NDArray[np.float32], shares: NDArray[np.float64], labels: Sequence[str], k: int) -> list[Ranked]:
    """Return for each row of (N, C) logits the k best labels with their probabilities `shares` (N, C), best first."""
    ranked = rank_labels(logits)[:, :k]
    return [[(labels[i], float(share[i])) for i in row] for row, share in zip(ranked.tolist(), shares, strict=True)]


def best_gold(scores: NDArray[Any], gold: Sequence[int]) -> tuple[int, int]:
    """Return the best-ranked gold label in scores (C,) and its rank, from 1; of equal scores the first comes first."""
    best = max(gold, key=lambda label: (scores[label], -label))
    return best, int((scores > scores[best]).sum() + (scores[:best] == scores[best]).sum()) + 1


def write_predictions(
    path: Path, examples: Sequence[Example], best: Sequence[Ranked], more: Mapping[str, Sequence[Cell]] | None = None
) -> None:
    """Write `id,gold,pred_1…pred_k,prob_1…prob_k`; several gold labels are joined with `|`.

    `more` holds further columns by name: `gold_rank` and `gold_prob` are rank and probability of the best-ranked gold
    label among all labels. A name that ends in `.xlsx` gives a workbook, any other a CSV file.
    """
    if path.suffix.lower() == ".xlsx":
        write_sheet(path, _header(best, more or {}), _rows(examples, best, more or {}))
        return
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        stream.write(csv_text(examples, best, more))


def csv_text(
    examples: Sequence[Example],
    best: Sequence[Ranked],
    more: Mapping[str, Sequence[Cell]] | None = None,
    *,
    header: bool = True,
) -> str:
    """Return predictions as they stand in a CSV file, with or without its `header`."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    if header:
        writer.writerow(_header(best, more or {}))
    for row in _rows(examples, best, more or {}):
        writer.writerow([f"{cell:.6f}" if isinstance(cell, float) else cell for cell in row])
    return stream.getvalue()


def _header(best: Sequence[Ranked], more: Mapping[str, Sequence[Cell]]) -> list[str]:
    numbers = range(1, len(best[0]) + 1)
    return ["id", "gold", *(f"pred_{i}" for i in numbers), *(f"prob_{i}" for i in numbers), *more]


def _rows(
    examples: Sequence[Example], best: Sequence[Ranked], more: Mapping[str, Sequence[Cell]]
) -> Iterator[list[Cell]]:
    for index, (example, ranked) in enumerate(zip(examples, best, strict=True)):
        names, shares = zip(*ranked, strict=True)
        last = [column[index] for column in more.values()]
        yield [example.id, "|".join(example.labels), *names, *(round(share, 6) for share in shares), *last]


@dataclass(frozen=True)
class Best:
    """The best-ranked labels of each document at one level, and their probabilities."""

    ranked: tuple[tuple[str, ...], ...]
    probabilities: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, probabilities_NC: NDArray[np.float64], labels: Sequence[str], k: int) -> Best:
        """Return the k labels with the highest probabilities, or all there are."""
        best = rank_labels(probabilities_NC)[:, :k]
        return cls(
            tuple(tuple(labels[i] for i in row) for row in best.tolist()),
            tuple(tuple(row) for row in np.take_along_axis(probabilities_NC, best, axis=1).tolist()),
        )

    @classmethod
    def joined(cls, parts: Sequence[Best]) -> Best:
        """Return the documents of several as those of one."""
        return cls(
            tuple(one for part in parts for one in part.ranked),
            tuple(one for part in parts for one in part.probabilities),
        )

    def at(self, order: Sequence[int]) -> Best:
        """Return the documents with these numbers."""
        return Best(tuple(self.ranked[i] for i in order), tuple(self.probabilities[i] for i in order))

    def columns(self, prefix: str) -> dict[str, list[Cell]]:
        """Return the columns `PREFIX_pred_1…` and `PREFIX_prob_1…` of a file."""
        named = {f"{prefix}_pred_{at}": column for at, column in enumerate(zip(*self.ranked, strict=True), start=1)}
        shares = zip(*self.probabilities, strict=True)
        return {
            **{name: list(column) for name, column in named.items()},
            **{f"{prefix}_prob_{at}": list(column) for at, column in enumerate(shares, start=1)},
        }


@dataclass(frozen=True)
class Predictions:
    """A `predictions-SPLIT.csv`: for each document its id, gold labels, best-ranked labels and their probabilities."""

    path: Path
    ids: tuple[str, ...]
    gold: tuple[tuple[str, ...], ...]
    ranked: tuple[tuple[str, ...], ...]
    probabilities: tuple[tuple[float, ...], ...]
    rank: NDArray[np.int64] | None
    """Rank of the best-ranked gold label, where the file has it."""
    gold_probability: NDArray[np.float64] | None
    """Its probability, where the file has it."""
    levels: Mapping[str, Best] = field(default_factory=dict)
    """What is predicted at the levels above, by their names."""

    @property
    def k(self) -> int:
        """How many labels a document's prediction names."""
        return len(self.ranked[0])

    def outcomes(self, labels: Sequence[str], k: int) -> Outcomes:
        """Hold the rankings against the gold labels, proposing `k` labels; `labels` fixes the indices."""
        index_of = {label: index for index, label in enumerate(labels)}
        return outcomes(
            [[index_of[label] for label in row] for row in self.ranked],
            [[index_of[label] for label in row] for row in self.gold],
            k,
            num_labels=len(labels),
            rank=self.rank,
        )

    def at(self, level: Level, labels: Sequence[str]) -> Predictions:
        """Return what is predicted at a level above `labels`, which the file must have.

        Raises:
            ModelError: it names another label there.
        """
        best, known = self.levels[level.name], set(level.labels)
        strange = next((label for row in best.ranked for label in row if label not in known), None)
        if strange is not None:
            raise ModelError(f"{self.path}: unknown {level.name} label {strange!r}; not the predictions of this run")
        index_of = {label: index for index, label in enumerate(labels)}
        above = [level.above([index_of[label] for label in row]) for row in self.gold]
        gold = tuple(tuple(level.labels[i] for i in row) for row in above)
        return Predictions(self.path, self.ids, gold, best.ranked, best.probabilities, None, None)

    @classmethod
    def ranked_by(
        cls,
        probabilities_NC: NDArray[np.float64],
        examples: Sequence[Example],
        labels: Sequence[str],
        k: int,
        levels: Sequence[Level] = (),
    ) -> Predictions:
        """Return the k best labels of each example by its probabilities, at `levels` too; all have gold labels."""
        best = Best.of(probabilities_NC, labels, k)
        index_of = {label: index for index, label in enumerate(labels)}
        gold = [
            best_gold(row, [index_of[label] for label in example.labels])
            for row, example in zip(probabilities_NC, examples, strict=True)
        ]
        return cls(
            Path(),
            tuple(example.id for example in examples),
            tuple(example.labels for example in examples),
            best.ranked,
            best.probabilities,
            np.array([rank for _, rank in gold]),
            np.array([row[label] for row, (label, _) in zip(probabilities_NC, gold, strict=True)]),
            {level.name: Best.of(level.sums(probabilities_NC), level.labels, k) for level in levels},
        )

    @classmethod
    def joined(cls, parts: Sequence[Predictions], path: Path) -> Predictions:
        """Return the documents of several files as those of one."""
        ranks = [part.rank for part in parts if part.rank is not None]
        golds = [part.gold_probability for part in parts if part.gold_probability is not None]
        return cls(
            path,
            tuple(one for part in parts for one in part.ids),
            tuple(one for part in parts for one in part.gold),
            tuple(one for part in parts for one in part.ranked),
            tuple(one for part in parts for one in part.probabilities),
            np.concatenate(ranks) if len(ranks) == len(parts) else None,
            np.concatenate(golds) if len(golds) == len(parts) else None,
            {
                name: Best.joined([part.levels[name] for part in parts])
                for name in parts[0].levels
                if all(name in part.levels for part in parts)
            },
        )

    def in_order(self, ids: Sequence[str]) -> Predictions:
        """Return the documents in the order of `ids`, which must be theirs.

        Raises:
            ModelError: a document is missing, or there is one more.
        """
        place = {identity: index for index, identity in enumerate(self.ids)}
        missing = next((identity for identity in ids if identity not in place), None)
        if missing is not None or len(ids) != len(self.ids):
            what = (
                f"no document {missing!r}" if missing is not None else f"{len(self.ids):,} documents, not {len(ids):,}"
            )
            raise ModelError(f"{self.path}: {what}; not the predictions of these documents")
        order = [place[identity] for identity in ids]
        return Predictions(
            self.path,
            tuple(ids),
            tuple(self.gold[i] for i in order),
            tuple(self.ranked[i] for i in order),
            tuple(self.probabilities[i] for i in order),
            None if self.rank is None else self.rank[order],
            None if self.gold_probability is None else self.gold_probability[order],
            {name: best.at(order) for name, best in self.levels.items()},
        )

    def write(self, path: Path) -> None:
        """Write the documents as `write_predictions` does."""
        examples = [Example(id=one, text="", labels=gold) for one, gold in zip(self.ids, self.gold, strict=True)]
        best = [list(zip(*row, strict=True)) for row in zip(self.ranked, self.probabilities, strict=True)]
        more: dict[str, Sequence[Cell]] = {}
        if self.rank is not None:
            more["gold_rank"] = self.rank.tolist()
        if self.gold_probability is not None:
            more["gold_prob"] = self.gold_probability.tolist()
        for name, level in self.levels.items():
            more |= level.columns(name)
        write_predictions(path, examples, best, more)


def read_predictions(path: Path, labels: Sequence[str]) -> Predictions:
    """Read a CSV file of predictions whose labels are among `labels`.

    Raises:
        ModelError: the file is missing, empty or damaged, names another label, or has no gold labels.
    """
    known = set(labels)
    ids, gold, ranked, probabilities, rank, gold_probability = [], [], [], [], [], []
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            header = list(reader.fieldnames or ())
            k = sum(name.startswith("pred_") for name in header)
            upper = {
                name.removesuffix("_pred_1"): sum(other.startswith(name.removesuffix("1")) for other in header)
                for name in header
                if name.endswith("_pred_1")
            }
            above: dict[str, list[_Row]] = {name: [] for name in upper}
            for row in reader:
                # A label may hold the separator of several.
                answers = (row["gold"],) if row["gold"] in known else tuple(row["gold"].split("|"))
                named, shares = _best(row, "", k)
                strange = next((label for label in (*answers, *named) if label not in known), None)
                if strange is not None:
                    raise ModelError(
                        f"{path}:{reader.line_num}: unknown label {strange!r}; not the predictions of this run"
                    )
                ids.append(row["id"])
                gold.append(answers)
                ranked.append(named)
                probabilities.append(shares)
                for name, named_there in upper.items():
                    above[name].append(_best(row, f"{name}_", named_there))
                rank.append(int(row["gold_rank"]) if row.get("gold_rank") else 0)
                gold_probability.append(float(row["gold_prob"]) if row.get("gold_prob") else -1.0)
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file; let the run finish") from None
    except (OSError, UnicodeDecodeError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise ModelError(f"{path}: not the predictions of this run ({type(error).__name__}: {error})") from None
    if not ids or not k:
        raise ModelError(f"{path}: holds no predictions; let the run finish")
    return Predictions(
        path,
        tuple(ids),
        tuple(gold),
        tuple(ranked),
        tuple(probabilities),
        np.array(rank) if all(rank) else None,
        np.array(gold_probability) if min(gold_probability) >= 0 else None,
        {name: Best(tuple(one for one, _ in rows), tuple(one for _, one in rows)) for name, rows in above.items()},
    )


def _best(row: Mapping[str, str], prefix: str, k: int) -> _Row:
    numbers = range(1, k + 1)
    return tuple(row[f"{prefix}pred_{i}"] for i in numbers), tuple(float(row[f"{prefix}prob_{i}"]) for i in numbers)


def level_parts(
    found: Predictions,
    labels: Sequence[str],
    levels: Sequence[Level],
    k: int,
    parts: Callable[[Outcomes, int], dict[str, Part]],
) -> dict[str, Part]:
    """Return the figures of those levels above `labels` that a file has, by names such as `large_f1_micro`.

    `parts` gives the figures of a level, of outcomes and the number of labels; `k` labels may be proposed, all that the
    file names at most.
    """
    result: dict[str, Part] = {}
    for level in levels:
        if level.name in found.levels:
            above = found.at(level, labels)
            figures = parts(above.outcomes(level.labels, min(k, above.k)), len(level.labels))
            result |= {f"{level.name}_{name}": part for name, part in figures.items()}
    return result
