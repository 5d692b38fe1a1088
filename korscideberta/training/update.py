"""One optimizer step from a batch in parts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from korscideberta.data.batching import Batch
from korscideberta.precision import autocast
from korscideberta.training.adversarial import Sift
from korscideberta.training.losses import Objective
from korscideberta.training.optimizer import set_rates
from korscideberta.training.scaling import LossScaler


class NotFinite(Exception):
    """The loss or the gradients of an update are infinite or not a number; the weights are as they were."""


@dataclass
class Updater:
    """Makes optimizer steps; all that is particular to precision, accumulation, clipping and SiFT is in here."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    objective: Objective
    precision: str
    max_grad_norm: float
    """0 turns clipping off."""
    sift: Sift | None
    scaler: LossScaler

    def step(self, parts: Sequence[Batch], factor: float) -> float:
        """Make one step at the peak rates times `factor` and return the loss.

        The loss of the parts is summed and divided by what they weigh together, so the step is that of the whole batch.

        Raises:
            NotFinite: the loss is not finite, or the gradients are not and no smaller scale of the loss mends it.
        """
        while True:
            loss = self._backward(parts)
            norm = self._unscale_and_clip()
            if math.isfinite(norm):
                break
            self.optimizer.zero_grad(set_to_none=True)
            if not self.scaler.shrink():
                raise NotFinite(f"the norm of the gradients is {norm}")
        self.scaler.succeeded()
        set_rates(self.optimizer, factor)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss

    def _backward(self, parts: Sequence[Batch]) -> float:
        weight = sum(self.objective.weight(part) for part in parts)
        examples = sum(len(part) for part in parts)
        total = 0.0
        for part in parts:
            loss = self._loss(part, weight, examples)
            total += float(loss.detach())
            if not math.isfinite(total):
                self.optimizer.zero_grad(set_to_none=True)
                raise NotFinite(f"the loss is {total}")
            (loss * self.scaler.scale).backward()  # type: ignore[no-untyped-call]
        return total

    def _loss(self, part: Batch, weight: float, examples: int) -> Tensor:
        with autocast(self.precision, part.input_ids.device):
            logits = self.model(**part.inputs).logits
            loss = self.objective(logits, part) / weight
            if self.sift is not None:
                loss = loss + self.sift.loss(self.model, part, logits, self.scaler.scale) / examples
        return loss

    def _unscale_and_clip(self) -> float:
        parameters = [parameter for parameter in self.model.parameters() if parameter.grad is not None]
        if self.scaler.scale != 1:
            for parameter in parameters:
                assert parameter.grad is not None
                parameter.grad.mul_(1 / self.scaler.scale)
        return float(nn.utils.clip_grad_norm_(parameters, self.max_grad_norm or math.inf))
