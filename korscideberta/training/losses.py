"""What training minimises, as sums over examples and the divisor that makes one update's loss of them.

Shapes: B batch, T tokens of a batch, C labels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from korscideberta.data.batching import Batch
from korscideberta.data.readers import read_table
from korscideberta.data.token_features import IGNORED
from korscideberta.errors import DataError
from korscideberta.nearest import nearest
from korscideberta.training.settings import TrainSettings

_TINY = 1e-12  # keeps the slope of (1 - p)^gamma finite where p is 1 and gamma below 1


class Objective(Protocol):
    """A loss that is summed over parts of a batch and divided by what all the parts weigh together.

    So an update is the same in how many parts it is ever computed, also where a part's share is its number of tokens.
    """

    def weight(self, batch: Batch) -> float:
        """Return the batch's share of the divisor; needs no forward pass."""

    def __call__(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the loss summed over the batch, a float32 scalar."""

    def change(self, first: Tensor, second: Tensor) -> Tensor:
        """Return how far two predictions for a batch are apart, summed, in float32; adversarial training lessens it."""


class ClassificationLoss:
    """Cross-entropy of (B, C) logits against target distributions, with the usual remedies for few and noisy labels.

    Args:
        counts: how often the training set has each label.
        kind: `cross-entropy`; `focal`, where a label's term is multiplied by (1 - p)^gamma (Lin et al. 2017, arXiv
            1708.02002, equation 5); or `logit-adjusted`, where tau · log of the label's share is added to the logits
            while training (Menon et al. 2021, arXiv 2007.07314, equation 10). A label without examples counts as one.
        smoothing: this share of every target is spread over all labels.
        weights: factors on the terms of the labels; None is 1 for all.
        gamma: see `focal`.
        tau: see `logit-adjusted`.

    With one label an example, loss over weight is what torch's `cross_entropy` returns for these weights and smoothing.
    """

    def __init__(
        self,
        counts: Sequence[int],
        *,
        kind: str = "cross-entropy",
        smoothing: float = 0.0,
        weights: Sequence[float] | None = None,
        gamma: float = 2.0,
        tau: float = 1.0,
    ) -> None:
        shares_C = torch.tensor([max(count, 1) for count in counts], dtype=torch.float64)
        shares_C = shares_C / shares_C.sum()
        self.adjustment_C = (tau * shares_C.log()).float() if kind == "logit-adjusted" else None
        self.gamma = gamma if kind == "focal" else 0.0
        self.smoothing = smoothing
        self.weights_C = None if weights is None else torch.tensor(weights, dtype=torch.float32)

    def weight(self, batch: Batch) -> float:
        """Return the summed weights of the gold labels; the number of examples where all weigh 1."""
        targets_BC = _targets(batch)
        if self.weights_C is None:
            return float(targets_BC.shape[0])
        return float((targets_BC @ self.weights_C.to(targets_BC.device)).sum())

    def __call__(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the summed loss of (B, C) logits."""
        targets_BC = _targets(batch)
        logits_BC = logits.float()
        if self.adjustment_C is not None:
            logits_BC = logits_BC + self.adjustment_C.to(logits_BC.device)
        if self.smoothing:
            targets_BC = (1 - self.smoothing) * targets_BC + self.smoothing / targets_BC.shape[1]
        if self.weights_C is not None:
            targets_BC = targets_BC * self.weights_C.to(targets_BC.device)
        log_p_BC = F.log_softmax(logits_BC, dim=-1)
        if self.gamma:
            targets_BC = targets_BC * (-torch.expm1(log_p_BC)).clamp_min(_TINY) ** self.gamma
        return -(targets_BC * log_p_BC).sum()

    def change(self, first: Tensor, second: Tensor) -> Tensor:
        """The symmetric KL of two (B, C) logits."""
        return symmetric_kl(first, second)


class BinaryCrossEntropy:
    """Binary cross-entropy of (B, C) logits against targets of 0 and 1, the mean over labels of each example."""

    def weight(self, batch: Batch) -> float:
        """Return the number of examples."""
        return float(_targets(batch).shape[0])

    def __call__(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the loss summed over the examples."""
        targets_BC = _targets(batch)
        loss = F.binary_cross_entropy_with_logits(logits.float(), targets_BC, reduction="sum")
        return loss / targets_BC.shape[1]

    def change(self, first: Tensor, second: Tensor) -> Tensor:
        """The symmetric KL of each label's two chances, summed over the labels."""
        first, second = first.float(), second.float()
        return ((first.sigmoid() - second.sigmoid()) * (first - second)).sum()


class SquaredError:
    """Squared error of (B, 1) values against targets of the same shape."""

    def weight(self, batch: Batch) -> float:
        """Return the number of examples."""
        return float(_targets(batch).shape[0])

    def __call__(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the loss summed over the examples."""
        return F.mse_loss(logits.float(), _targets(batch), reduction="sum")

    def change(self, first: Tensor, second: Tensor) -> Tensor:
        """The squared difference."""
        return F.mse_loss(first.float(), second.float(), reduction="sum")


class TokenCrossEntropy:
    """Cross-entropy of (T, C) logits against label indices (T,); `IGNORED` leaves a token out."""

    def weight(self, batch: Batch) -> float:
        """Return the number of tokens that have a label, 1 where none has, so that it can be divided by."""
        return float((_targets(batch) != IGNORED).sum().clamp(min=1))

    def __call__(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the loss summed over the tokens that have a label."""
        return F.cross_entropy(logits.float(), _targets(batch), ignore_index=IGNORED, reduction="sum")

    def change(self, first: Tensor, second: Tensor) -> Tensor:
        """The symmetric KL of two (T, C) logits."""
        return symmetric_kl(first, second)


def symmetric_kl(first: Tensor, second: Tensor) -> Tensor:
    """Return KL(p‖q) + KL(q‖p) of two (…, C) logits, summed over all rows, in float32."""
    log_p, log_q = F.log_softmax(first.float(), dim=-1), F.log_softmax(second.float(), dim=-1)
    return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum()


def classification_loss(settings: TrainSettings, labels: Sequence[str], counts: Sequence[int]) -> ClassificationLoss:
    """Return the loss the settings describe, for labels the training set has `counts` times.

    Raises:
        DataError: the file of class weights cannot be used.
    """
    weights: Sequence[float] | None = None
    if settings.class_weights == "balanced":
        weights = balanced_weights(counts)
    elif settings.class_weights is not None:
        weights = read_weights(Path(settings.class_weights), labels)
    return ClassificationLoss(
        counts,
        kind=settings.loss,
        smoothing=settings.label_smoothing,
        weights=weights,
        gamma=settings.focal_gamma,
        tau=settings.logit_tau,
    )


def balanced_weights(counts: Sequence[int]) -> list[float]:
    """Return n / (labels · count of the label), as scikit-learn's `balanced`; labels without examples get 1."""
    present = sum(count > 0 for count in counts)
    total = sum(counts)
    return [total / (present * count) if count else 1.0 for count in counts]


def read_weights(path: Path, labels: Sequence[str]) -> list[float]:
    """Read class weights: a JSON object of labels and weights, or a table with the columns label and weight.

    A label the file does not name weighs 1.

    Raises:
        DataError: a label is unknown or named twice, or a weight is not a number above 0.
    """
    weights = dict.fromkeys(labels, 1.0)
    for origin, label, value in _entries(path):
        if label not in weights:
            raise DataError(f"{origin}: unknown label {label!r}; {nearest(label, labels)}")
        try:
            weight = float(str(value))
        except ValueError:
            weight = float("nan")
        if not 0 < weight < float("inf"):
            raise DataError(f"{origin}: the weight of {label!r} is {value!r}; give a number above 0")
        weights[label] = weight
    return [weights[label] for label in labels]


def _entries(path: Path) -> list[tuple[str, str, object]]:
    if path.suffix == ".json":
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: not a JSON file ({error})") from None
        if not isinstance(content, Mapping):
            raise DataError(f"{path}: holds no JSON object; write {{label: weight, …}}")
        return [(str(path), label, value) for label, value in content.items()]
    table = read_table(path)
    if not {"label", "weight"} <= set(table.columns):
        raise DataError(f"{path}: needs the columns 'label' and 'weight', has {', '.join(map(repr, table.columns))}")
    seen: dict[str, str] = {}
    for row in table.rows:
        label = row.cells["label"]
        if label in seen:
            raise DataError(f"{row.origin}: label {label!r} was already named at {seen[label]}")
        seen[label] = row.origin
    return [(row.origin, row.cells["label"], row.cells["weight"]) for row in table.rows]


def _targets(batch: Batch) -> Tensor:
    assert batch.targets is not None, "training needs gold labels"
    return batch.targets
