"""Documents of a cross-validation whose gold labels are likely wrong."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from korscideberta.data.spreadsheets import write_sheet
from korscideberta.errors import ConfigError, ModelError
from korscideberta.evaluation.baseline_runs import like
from korscideberta.evaluation.crossval import OOF
from korscideberta.evaluation.folds import plan_folds
from korscideberta.files import replacing
from korscideberta.metrics.label_issues import label_issues
from korscideberta.predictions import Predictions, read_predictions
from korscideberta.run import RunDirectory

HEADER = ("id", "given", "suggested", "margin", "prob_given", "prob_suggested", "text", "origin")


@dataclass(frozen=True)
class Suspect:
    """A document with its given and its suggested label."""

    id: str
    given: str
    """All gold labels, joined with `|`."""
    suggested: str
    margin: float
    given_probability: float
    suggested_probability: float
    text: str
    origin: str
    """File and line."""

    @property
    def cells(self) -> list[str | float]:
        """What a table of suspects has in the columns `HEADER`."""
        numbers = [round(value, 6) for value in (self.margin, self.given_probability, self.suggested_probability)]
        return [self.id, self.given, self.suggested, *numbers, self.text, self.origin]


def audit(path: Path) -> list[Suspect]:
    """Return the documents of a `korsci cv` or `korsci baseline` run that are likely mislabelled, likeliest first.

    Raises:
        ModelError: there are no out-of-fold predictions, or they do not have the probability of the gold label.
        DataError: the data have changed since.
    """
    record = RunDirectory(path).read_settings()
    if record.get("seeds"):
        raise ModelError(f"{path}: holds runs with several seeds; audit that of one seed")
    task, source, options = like(path)
    if options is None:
        raise ModelError(f"{path}: no cross-validation; the labels a model was trained on tell nothing")
    plan = plan_folds(task, source, options)
    ids = [example.id for example in plan.examples]
    found = read_predictions(RunDirectory(path).predictions(OOF), plan.labels).in_order(ids)
    if found.gold_probability is None:
        raise ModelError(f"{found.path}: no column 'gold_prob'; run it again")
    index_of = {label: index for index, label in enumerate(plan.labels)}
    issues = label_issues(
        np.array([index_of[label] for label in _nearest_gold(found)]),
        found.gold_probability,
        np.array([[index_of[label] for label in row] for row in found.ranked]),
        np.array([_without_gold(found, at) for at in range(len(ids))]),
        len(plan.labels),
    )
    suspects = []
    for issue in issues:
        example = plan.examples[issue.document]
        suspects.append(
            Suspect(
                example.id,
                "|".join(example.labels),
                plan.labels[issue.suggested],
                issue.margin,
                float(found.gold_probability[issue.document]),
                issue.probability,
                example.text if example.text_pair is None else f"{example.text}\n{example.text_pair}",
                example.origin,
            )
        )
    return suspects


def write_suspects(path: Path, suspects: list[Suspect]) -> None:
    """Write a table of suspects, as a workbook where the name ends in `.xlsx`, else as CSV.

    Raises:
        ConfigError: another ending.
    """
    if path.suffix.lower() == ".xlsx":
        write_sheet(path, HEADER, [one.cells for one in suspects])
        return
    if path.suffix.lower() != ".csv":
        raise ConfigError(f"--output {path}: the ending must be .csv or .xlsx")
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([HEADER, *(one.cells for one in suspects)])


def _nearest_gold(found: Predictions) -> list[str]:
    """Return of each document the gold label that is ranked best, or its primary one when none is among the best."""
    return [
        next((label for label in ranked if label in gold), gold[0])
        for gold, ranked in zip(found.gold, found.ranked, strict=True)
    ]


def _without_gold(found: Predictions, at: int) -> list[float]:
    """Return the probabilities of a document's best-ranked labels; those of gold ones, no suggestions, are 0."""
    return [
        0.0 if label in found.gold[at] else probability
        for label, probability in zip(found.ranked[at], found.probabilities[at], strict=True)
    ]
