"""Labels of several levels at once: a head a level on one encoder, whose predictions are paths from the top.

The labels are the lowest ones; the model has a logit for every label of every level, and `LabelTree` makes of them the
probabilities of the lowest labels. The loss of these is the sum of the losses of the levels, each given the one above.

Shapes: N examples, C lowest labels, A labels of all levels, U labels of one of the upper levels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from korscideberta.data.batching import Batch, BatchSize
from korscideberta.data.encoding import check_labels, label_indices
from korscideberta.data.examples import Example
from korscideberta.data.features import Features
from korscideberta.errors import DataError, ModelError
from korscideberta.inference import Progress
from korscideberta.metrics.hierarchy import hierarchy_parts
from korscideberta.metrics.levels import level_figures
from korscideberta.metrics.summary import PARTS, majority_scores
from korscideberta.metrics.topk import rank_labels
from korscideberta.model.config import DebertaV2Config
from korscideberta.model.encoder import PretrainedModel
from korscideberta.model.label_tree import TOP, LabelTree
from korscideberta.predictions import level_parts, read_predictions
from korscideberta.tasks import Task
from korscideberta.training.kinds.kind import Stored, refuse_chosen
from korscideberta.training.kinds.sequence import SequenceKind, label_counts, learnt_labels
from korscideberta.training.losses import Objective
from korscideberta.training.settings import TrainSettings

_ROWS = 1024
"""Rows of logits that become probabilities at once."""


class LevelsKind(SequenceKind):
    """Classification into the lowest labels of a tree; outputs are their log-probabilities (N, C)."""

    answer = "model.label_path(logits[0])"

    def __init__(
        self,
        task: Task,
        labels: tuple[str, ...],
        counts: Sequence[int],
        temperature: float | None = None,
        targets: str = "uniform",
        *,
        nodes: tuple[str, ...] | None = None,
    ) -> None:
        super().__init__(task, labels, counts, temperature, targets)
        self.nodes = nodes or _nodes([_path_of(task)(label) for label in labels])
        """All labels, those of the highest level first."""
        place = {label: index for index, label in enumerate(self.nodes)}
        self.tree = LabelTree(self.parents, [place[label] for label in labels])
        """How the labels lie below one another."""
        self.levels = task.levels_above(labels)
        """The levels above the lowest."""

    @classmethod
    def learn(cls, task: Task, train: Sequence[Example], origin: str) -> LevelsKind:
        """Take the labels from the examples unless the task fixes them; none may lie above another."""
        labels = task.labels or learnt_labels(train, origin)
        upper = {above for label in labels for above in _path_of(task)(label)[:-1]}
        for example in train:
            for label in upper.intersection(example.labels):
                raise DataError(
                    f"{example.origin}: {task.display(label)} has fields below it in other rows; one of them is needed"
                )
        check_labels(train, labels)
        return cls(task, labels, label_counts(train, labels))

    @classmethod
    def of_model(cls, task: Task, config: DebertaV2Config) -> LevelsKind:
        """The kind for a model with these levels."""
        if config.label_parents is None:
            raise ModelError(f"the model has labels of one level, not of all that {task.name} has with --level all")
        lowest = LabelTree(config.label_parents).lowest
        found = cls(task, tuple(config.id2label[place] for place in lowest), (), nodes=config.id2label)
        if found.parents != config.label_parents:
            raise ModelError(f"the labels of the model do not lie below one another as those of {task.name} do")
        return found

    @property
    def model_labels(self) -> tuple[str, ...]:
        """The labels of all levels."""
        return self.nodes

    @property
    def config_changes(self) -> dict[str, Any]:
        """The problem type, and which label lies below which."""
        return {**super().config_changes, "label_parents": self.parents}

    @property
    def parents(self) -> tuple[int, ...]:
        """For each of all labels the place of the one above it, or `TOP`."""
        place = {label: index for index, label in enumerate(self.nodes)}
        paths = (_path_of(self.task)(label) for label in self.nodes)
        return tuple(place[path[-2]] if len(path) > 1 else TOP for path in paths)

    def adopt(self, settings: TrainSettings, train: Sequence[Example]) -> None:
        """Refuse targets that are each to be found by itself."""
        if settings.targets == "multi-label":
            refuse_chosen(settings, ("targets",), "--level all, where labels share a probability")
        super().adopt(settings, train)

    def objective(self, settings: TrainSettings) -> Objective:
        """The loss that the settings choose, of the lowest labels."""
        return LeveledLoss(super().objective(settings), self.of_labels)

    def of_labels(self, logits: Tensor) -> Tensor:
        """Return the log-probabilities (B, C) of the lowest labels for logits (B, A)."""
        return self.tree.log_probabilities(logits)

    def outputs(
        self,
        model: PretrainedModel,
        features: Features,
        *,
        batch_size: BatchSize,
        precision: str,
        progress: Progress | None,
    ) -> NDArray[np.float32]:
        """Return (N, C) log-probabilities of the lowest labels."""
        logits_NA = super().outputs(model, features, batch_size=batch_size, precision=precision, progress=progress)
        parts = (torch.from_numpy(logits_NA[start : start + _ROWS]) for start in range(0, len(logits_NA), _ROWS))
        return np.concatenate([self.of_labels(part).numpy() for part in parts])

    def figures(self, examples: Sequence[Example], outputs: NDArray[Any], k: int) -> dict[str, float]:
        """Those of the lowest labels, then by name those of each level above, and the hierarchical ones."""
        found = super().figures(examples, outputs, k)
        counts = {name: found.pop(name) for name in ("k", "documents")}
        gold = [label_indices(example, self._index_of) for example in examples]
        shares_NC = self.shares(outputs)
        found |= level_figures(self.task.score, shares_NC, gold, k, self.levels)
        if self.counts:
            majority = majority_scores(self.counts, len(gold))
            figures = level_figures(self.task.score, majority, gold, k, self.levels)
            found |= {f"majority_{name}": value for name, value in figures.items()}
        longest = max(map(len, gold))
        best = [[self.labels[i] for i in row] for row in rank_labels(outputs)[:, :longest].tolist()]
        parts = hierarchy_parts(best, [example.labels for example in examples], _path_of(self.task))
        return {**found, **{name: part.value() for name, part in parts.items()}, **counts}

    def predictions(self, examples: Sequence[Example], outputs: NDArray[np.float32], k: int) -> list[dict[str, Any]]:
        """The k best paths by their lowest labels, and the k best labels of each level above, with probabilities."""
        found = super().predictions(examples, outputs, k)
        shares_NC = self.shares(outputs)
        for level in self.levels:
            sums_NU = level.sums(shares_NC)
            best = rank_labels(sums_NU)[:, : min(k, len(level.labels))]
            for prediction, row, sums in zip(found, best.tolist(), sums_NU, strict=True):
                prediction[level.name] = [
                    {"label": level.labels[i], "probability": round(float(sums[i]), 6)} for i in row
                ]
        return found

    def shown(self, prediction: Mapping[str, Any]) -> list[str]:
        """A line a path, with the fields above."""
        path, display = _path_of(self.task), self.task.display
        lines = [
            f"{one['probability']:6.1%}  {' > '.join(map(display, path(one['label'])))}" for one in prediction["labels"]
        ]
        for level in self.levels:
            best = prediction[level.name][0]
            lines.append(f"{best['probability']:6.1%}  {level.name}: {display(best['label'])}")
        return [*lines, *super().shown({**prediction, "labels": []})]

    def flat(self, prediction: Mapping[str, Any]) -> Mapping[str, Any]:
        """As of one level, with further columns such as `large_pred_1` and `large_prob_1`."""
        names = [level.name for level in self.levels]
        flat = {name: value for name, value in prediction.items() if name not in names}
        for name in names:
            for part, key in (("pred", "label"), ("prob", "probability")):
                flat |= {f"{name}_{part}_{place}": one[key] for place, one in enumerate(prediction[name], start=1)}
        return flat

    def stored(self, path: Path) -> Stored:
        """Read a run's CSV file: the figures of the lowest labels, those of the levels above, the hierarchical ones."""
        stored, found = super().stored(path), read_predictions(path, self.labels)
        if stored.parts is None:
            return stored
        parts = {**stored.parts, **level_parts(found, self.labels, self.levels, found.k, PARTS[self.task.score])}
        if max(map(len, found.gold)) <= found.k:
            parts |= hierarchy_parts(found.ranked, found.gold, _path_of(self.task))
        return Stored.of_parts(stored.examples, parts)


class LeveledLoss:
    """A loss of the lowest labels' log-probabilities.

    Args:
        inner: the loss.
        of_labels: gives these of the logits of all levels.
    """

    def __init__(self, inner: Objective, of_labels: Callable[[Tensor], Tensor]) -> None:
        self.inner = inner
        self.of_labels = of_labels
        self.weights_C = getattr(inner, "weights_C", None)

    def weight(self, batch: Batch) -> float:
        """Return the batch's share of the divisor."""
        return self.inner.weight(batch)

    def __call__(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the summed loss of (B, A) logits."""
        return self.inner(self.of_labels(logits), batch)

    def change(self, first: Tensor, second: Tensor) -> Tensor:
        """How far the lowest labels' chances are apart."""
        return self.inner.change(self.of_labels(first), self.of_labels(second))


def _nodes(paths: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the labels of all paths, those of the highest level first."""
    deepest = max(map(len, paths))
    return tuple(dict.fromkeys(path[depth] for depth in range(deepest) for path in paths if len(path) > depth))


def _path_of(task: Task) -> Callable[[str], tuple[str, ...]]:
    assert task.path is not None, task.name
    return task.path
