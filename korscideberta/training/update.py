"""One optimizer step from a batch in parts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from korscideberta.collective import total
from korscideberta.data.batching import Batch
from korscideberta.precision import autocast
from korscideberta.training.adversarial import Sift
from korscideberta.training.losses import Objective
from korscideberta.training.optimizer import set_rates
from korscideberta.training.parallel import bare, kept_local
from korscideberta.training.scaling import LossScaler


class NotFinite(Exception):
    """The loss or the gradients of an update are infinite or not a number; the weights are as they were."""


@dataclass
class Updater:
    """Makes optimizer steps; all that is particular to precision, accumulation, clipping and SiFT is in here."""

    model: nn.Module
    """As `replicate` gives it, so that the gradients of several processes are summed."""
    optimizer: torch.optim.Optimizer
    objective: Objective
    precision: str
    max_grad_norm: float
    """0 turns clipping off."""
    sift: Sift | None
    scaler: LossScaler

    def step(self, parts: Sequence[Batch], factor: float, borrowed: int = 0) -> float:
        """Make one step at the peak rates times `factor` and return the loss.

        The loss of the parts of all processes is summed and divided by what they weigh together, so the step is that of
        the whole batch. The last `borrowed` parts do not count; see `local_parts`.

        Raises:
            NotFinite: the loss is not finite, or the gradients are not and no smaller scale of the loss mends it; in
                all processes alike.
        """
        while True:
            loss = self._backward(parts, borrowed)
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

    def _backward(self, parts: Sequence[Batch], borrowed: int) -> float:
        own = parts[: len(parts) - borrowed]
        weight, examples = total(
            sum(self.objective.weight(part) for part in own), float(sum(len(part) for part in own))
        )
        mine = 0.0
        for number, part in enumerate(parts, 1):
            with kept_local(self.model) if number < len(parts) else nullcontext():
                loss = self._loss(part, weight, examples)
                if number > len(own):
                    loss = 0 * loss
                mine += float(loss.detach())
                (loss * self.scaler.scale).backward()  # type: ignore[no-untyped-call]
        (loss_of_all,) = total(mine)
        if not math.isfinite(loss_of_all):
            self.optimizer.zero_grad(set_to_none=True)
            raise NotFinite(f"the loss is {loss_of_all}")
        return loss_of_all

    def _loss(self, part: Batch, weight: float, examples: float) -> Tensor:
        with autocast(self.precision, part.input_ids.device):
            logits = self.model(**part.inputs).logits
            loss = self.objective(logits, part) / weight
            if self.sift is not None:
                loss = loss + self.sift.loss(bare(self.model), part, logits, self.scaler.scale) / examples
        return loss

    def _unscale_and_clip(self) -> float:
        parameters = [parameter for parameter in self.model.parameters() if parameter.grad is not None]
        if self.scaler.scale != 1:
            for parameter in parameters:
                assert parameter.grad is not None
                parameter.grad.mul_(1 / self.scaler.scale)
        norm = nn.utils.clip_grad_norm_(parameters, self.max_grad_norm or math.inf)
        # Of a model in shards the norm is one too.
        return float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm)
