"""One label a text, the likeliest; or a few labels that share the mass, of which a ranking is scored.

Shapes: N examples, C labels.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from korscideberta.data.batching import BatchSize
from korscideberta.data.encoding import check_labels, label_indices
from korscideberta.data.examples import Example, label_set
from korscideberta.data.features import ClassificationFeatures, Features, Limits, SequenceFeatures
from korscideberta.data.long_texts import encode_texts
from korscideberta.errors import ConfigError, DataError
from korscideberta.inference import Progress, predict_logits, probabilities, sigmoid
from korscideberta.metrics.calibration import fit_temperature
from korscideberta.metrics.summary import PARTS, summarise
from korscideberta.metrics.topk import rank_labels
from korscideberta.model.config import DebertaV2Config
from korscideberta.model.encoder import PretrainedModel
from korscideberta.model.heads import DebertaV2ForSequenceClassification
from korscideberta.predictions import (
    Cell,
    Ranked,
    best_gold,
    csv_text,
    read_predictions,
    top_labels,
    write_predictions,
)
from korscideberta.tasks import Task
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.training.kinds.kind import Kind, Stored, refuse_chosen
from korscideberta.training.losses import BinaryCrossEntropy, Objective, classification_loss
from korscideberta.training.settings import TrainSettings

logger = logging.getLogger(__name__)


class TextKind(Kind[Example, NDArray[np.float32]]):
    """What the kinds for whole texts and pairs share: outputs are logits (N, C)."""

    model = DebertaV2ForSequenceClassification
    reads_whole = True

    def texts(self, example: Example) -> Iterable[str]:
        """Give the text and, of a pair, the second one."""
        return (example.text,) if example.text_pair is None else (example.text, example.text_pair)

    def from_texts(self, texts: Sequence[str], pairs: Sequence[str | None]) -> list[Example]:
        """Make examples of texts given on the command line."""
        return [
            Example(id=str(number), text=text, text_pair=pair)
            for number, (text, pair) in enumerate(zip(texts, pairs, strict=True), start=1)
        ]

    def input_of(self, example: Example) -> tuple[str, str | None]:
        """The texts."""
        return example.text, example.text_pair

    def outputs(
        self,
        model: PretrainedModel,
        features: Features,
        *,
        batch_size: BatchSize,
        precision: str,
        progress: Progress | None,
    ) -> NDArray[np.float32]:
        """Return (N, C) logits, of a text that is read in windows those of its windows pooled."""
        assert isinstance(features, SequenceFeatures), features
        logits = predict_logits(model, features, batch_size=batch_size, precision=precision, progress=progress)
        return features.pooled(logits)


class SequenceKind(TextKind):
    """Classification, by cross-entropy and a ranking of the labels."""

    suffixes = (".csv", ".jsonl", ".xlsx")
    appended = (".csv", ".jsonl")
    without_effect = ()

    def __init__(
        self,
        task: Task,
        labels: tuple[str, ...],
        counts: Sequence[int],
        temperature: float | None = None,
        targets: str = "uniform",
    ) -> None:
        super().__init__(task, labels)
        self.counts = list(counts)
        """How often the training set has each label; empty where it is not known."""
        self.temperature = temperature
        """What logits are divided by for calibrated probabilities; None before there are figures of the dev rows."""
        self.targets = targets
        """What several gold labels of an example are to training, as in `TrainSettings`."""
        self._index_of = {label: index for index, label in enumerate(labels)}

    @classmethod
    def learn(cls, task: Task, train: Sequence[Example], origin: str) -> SequenceKind:
        """Take the labels from the examples unless the task fixes them, and count them."""
        labels = task.labels or learnt_labels(train, origin)
        check_labels(train, labels)
        return cls(task, labels, label_counts(train, labels))

    def record(self) -> dict[str, Any]:
        """Labels, how often the training set has them and, at the end, the temperature."""
        known = {} if self.temperature is None else {"temperature": self.temperature}
        return {**super().record(), "train_label_counts": self.counts, **known}

    @classmethod
    def restore(cls, task: Task, record: Mapping[str, Any]) -> SequenceKind:
        """The kind of a finished run."""
        targets = record["settings"].get("targets", "uniform")
        return cls(task, tuple(record["labels"]), record["train_label_counts"], record.get("temperature"), targets)

    @property
    def each_by_itself(self) -> bool:
        """Whether each label has a probability of its own, instead of a share of one that all have together."""
        return self.targets == "multi-label"

    def adopt(self, settings: TrainSettings, train: Sequence[Example]) -> None:
        """Refuse what does not go with the targets chosen; say so where these make no difference."""
        super().adopt(settings, train)
        self.targets = settings.targets
        if self.each_by_itself:
            refuse_chosen(settings, ("loss", "label_smoothing", "class_weights"), "--targets multi-label")
        elif self.targets != TrainSettings.targets and all(len(example.labels) == 1 for example in train):
            logger.warning("--targets %s changes nothing: every training row has one label", self.targets)

    def of_labels(self, logits: Tensor) -> Tensor:
        """Return scores (B, C) of the labels for the model's logits."""
        return logits

    def shares(self, outputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probabilities (N, C) of the labels."""
        return sigmoid(outputs) if self.each_by_itself else probabilities(outputs)

    def settle(self, examples: Sequence[Example], outputs: NDArray[np.float32]) -> None:
        """Fit the temperature on the dev rows, where labels share one probability."""
        if self.each_by_itself:
            return
        self.temperature = fit_temperature(outputs, [label_indices(example, self._index_of) for example in examples])

    @classmethod
    def of_model(cls, task: Task, config: DebertaV2Config) -> SequenceKind:
        """The kind for a model with these labels."""
        several = config.resolved_problem_type == "multi_label_classification"
        return cls(task, config.id2label, (), targets="multi-label" if several else "uniform")

    @property
    def config_changes(self) -> dict[str, Any]:
        """The problem type."""
        return {"problem_type": f"{'multi' if self.each_by_itself else 'single'}_label_classification"}

    @staticmethod
    def stratum(example: Example) -> str:
        """The primary label."""
        return example.labels[0]

    def check(self, examples: Sequence[Example]) -> None:
        """Refuse an empty or unknown label."""
        check_labels(examples, self.labels)

    def gold(self, example: Example) -> list[str] | None:
        """The labels, primary first."""
        return list(example.labels) or None

    def encode(
        self,
        examples: Sequence[Example],
        tokenizer: DebertaV2Tokenizer,
        limits: Limits,
        *,
        labelled: bool,
        cache: Path | None = None,
    ) -> SequenceFeatures:
        """A feature an example, several where it is read in windows, with targets (B, C) of its gold labels."""
        labels = self.labels if labelled else None
        encoded = encode_texts(examples, tokenizer, labels, limits, cache=cache)
        if not labelled:
            return SequenceFeatures(encoded)
        return ClassificationFeatures(encoded, len(self.labels), self.targets)

    def objective(self, settings: TrainSettings) -> Objective:
        """The loss that the settings choose."""
        if self.each_by_itself:
            return BinaryCrossEntropy()
        return classification_loss(settings, self.labels, self.counts)

    def check_top_k(self, k: int | None) -> int:
        """Refuse to name more labels than there are."""
        if k is None:
            return min(super().check_top_k(None), len(self.labels))
        if not 1 <= k <= len(self.labels):
            raise ConfigError(f"--top-k {k}: must lie between 1 and the number of labels, {len(self.labels)}")
        return k

    def figures(self, examples: Sequence[Example], outputs: NDArray[Any], k: int) -> dict[str, float]:
        """The task's figures, those of the majority class, and the number of documents; outputs may be any scores."""
        gold = [label_indices(example, self._index_of) for example in examples]
        if self.counts:
            found = summarise(self.task.score, outputs, gold, k, self.counts)
        else:
            found = {**self.task.score(outputs, gold, k), "k": k, "documents": len(gold)}
        if self.task.by_example is None:
            return found
        predicted = [self.labels[label] for label in rank_labels(outputs)[:, 0]]
        return {**self.task.by_example(examples, predicted), **found}

    def predictions(self, examples: Sequence[Example], outputs: NDArray[np.float32], k: int) -> list[dict[str, Any]]:
        """The k best labels with their probabilities, and of an example with gold labels the rank of the best one."""
        shares_NC = self.shares(outputs)
        found: list[dict[str, Any]] = [
            {"labels": [{"label": label, "probability": round(share, 6)} for label, share in ranked]}
            for ranked in top_labels(outputs, shares_NC, self.labels, k)
        ]
        for prediction, example, scores, shares in zip(found, examples, outputs, shares_NC, strict=True):
            if example.labels:
                label, rank = best_gold(scores, label_indices(example, self._index_of))
                prediction |= {"gold_rank": rank, "gold_prob": round(float(shares[label]), 6)}
        return found

    def shown(self, prediction: Mapping[str, Any]) -> list[str]:
        """A line a label, and one for the set of labels that was asked for."""
        lines = [f"{one['probability']:6.1%}  {self.task.display(one['label'])}" for one in prediction["labels"]]
        chosen = prediction.get("set")
        return lines if chosen is None else [*lines, f"   set  {', '.join(map(self.task.display, chosen))}"]

    def flat(self, prediction: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a prediction as the cells of a table: the ranked `labels`, and all else by the name of its column."""
        return prediction

    def write(
        self,
        path: Path,
        examples: Sequence[Example],
        predictions: Sequence[Mapping[str, Any]],
        *,
        labelled: bool,
    ) -> None:
        """Write a CSV or JSON Lines file, or a workbook with the cells of the CSV file."""
        if path.suffix.lower() == ".xlsx":
            write_predictions(path, examples, *_columns(map(self.flat, predictions)))
        else:
            super().write(path, examples, predictions, labelled=labelled)

    def part(
        self,
        suffix: str,
        examples: Sequence[Example],
        predictions: Sequence[Mapping[str, Any]],
        *,
        labelled: bool,
        first: bool,
    ) -> str:
        """CSV: `id,gold,pred_1…,prob_1…` and what predictions hold besides."""
        if suffix == ".csv":
            return csv_text(examples, *_columns(map(self.flat, predictions)), header=first)
        return super().part(suffix, examples, predictions, labelled=labelled, first=first)

    def stored(self, path: Path) -> Stored:
        """Read a run's CSV file."""
        found = read_predictions(path, self.labels)
        if self.task.score in PARTS:
            parts = PARTS[self.task.score](found.outcomes(self.labels, found.k), len(self.labels))
            return Stored.of_parts(len(found.ids), parts)
        scores_NC = np.zeros((len(found.ids), len(self.labels)))
        for row, named in zip(scores_NC, found.ranked, strict=True):
            row[[self._index_of[label] for label in named]] = np.arange(found.k, 0, -1)
        gold = [[self._index_of[label] for label in labels] for labels in found.gold]

        def score(indices: NDArray[np.int64]) -> dict[str, float]:
            return self.task.score(scores_NC[indices], [gold[i] for i in indices], found.k)

        # A file ranks the k best labels: it leaves open what lies below, more gold labels than k, and all chances.
        undecided = {"auprc", *(("mrr",) if found.k < len(self.labels) else ())}
        if max(map(len, gold)) > found.k:
            undecided.add("f1_strict")
        return Stored(len(gold), score, frozenset(undecided))


def _columns(flat: Iterable[Mapping[str, Any]]) -> tuple[list[Ranked], dict[str, list[Cell]]]:
    """Return the ranked labels of predictions, and by its name what else these hold."""
    predictions = list(flat)
    best = [[(one["label"], one["probability"]) for one in prediction["labels"]] for prediction in predictions]
    more = {
        name: ["|".join(cell) if isinstance(cell, list) else cell for cell in (one[name] for one in predictions)]
        for name in predictions[0]
        if name != "labels"
    }
    return best, more


def learnt_labels(train: Sequence[Example], origin: str) -> tuple[str, ...]:
    """Return the labels of training examples, sorted; fewer than two raise DataError."""
    labels = label_set(train)
    if len(labels) < 2:
        found = f"every row has the label {labels[0]!r}" if labels else "no row has a label"
        raise DataError(f"{origin}: {found}; a classifier needs at least two different labels, check --label")
    return labels


def label_counts(train: Sequence[Example], labels: Sequence[str]) -> list[int]:
    """Return how many examples have each label."""
    counts = dict.fromkeys(labels, 0)
    for example in train:
        for label in example.labels:
            counts[label] += 1
    return list(counts.values())
