"""One optimizer step from a batch in parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
        return optimizer_step(
            lambda: self._backward(parts, borrowed),
            self.model,
            self.optimizer,
            self.scaler,
            max_grad_norm=self.max_grad_norm,
            factor=factor,
        )

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
        return finite_total(mine, self.optimizer)

    def _loss(self, part: Batch, weight: float, examples: float) -> Tensor:
        with autocast(self.precision, part.input_ids.device):
            logits = self.model(**part.inputs).logits
            loss = self.objective(logits, part) / weight
            if self.sift is not None:
                loss = loss + self.sift.loss(bare(self.model), part, logits, self.scaler.scale) / examples
        return loss


def optimizer_step(
    backward: Callable[[], float],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: LossScaler,
    *,
    max_grad_norm: float,
    factor: float,
) -> float:
    """Make one step at the peak rates times `factor` from gradients of the scaled loss, and return the loss.

    Args:
        backward: leaves the gradients of the whole batch, in every process, and returns its loss; it is called again
            where fp16 gradients have overflowed.
        model: whose parameters have the gradients.
        optimizer: of these parameters.
        scaler: the scale of the loss.
        max_grad_norm: 0 turns clipping off.
        factor: of the schedule.

    Raises:
        NotFinite: the gradients are not finite, and no smaller scale of the loss mends it; in all processes alike.
    """
    while True:
        loss = backward()
        norm = _unscale_and_clip(model, scaler, max_grad_norm)
        if math.isfinite(norm):
            break
        optimizer.zero_grad(set_to_none=True)
        if not scaler.shrink():
            raise NotFinite(f"the norm of the gradients is {norm}")
    scaler.succeeded()
    set_rates(optimizer, factor)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss


def finite_total(mine: float, optimizer: torch.optim.Optimizer) -> float:
    """Return the sum of the losses of all processes; NotFinite, the gradients dropped, where it is not finite."""
    (loss,) = total(mine)
    if not math.isfinite(loss):
        optimizer.zero_grad(set_to_none=True)
        raise NotFinite(f"the loss is {loss}")
    return loss


def _unscale_and_clip(model: nn.Module, scaler: LossScaler, max_grad_norm: float) -> float:
    parameters = [parameter for parameter in model.parameters() if parameter.grad is not None]
    if scaler.scale != 1:
        for parameter in parameters:
            assert parameter.grad is not None
            parameter.grad.mul_(1 / scaler.scale)
    norm = nn.utils.clip_grad_norm_(parameters, max_grad_norm or math.inf)
    # Of a model in shards the norm is one too.
    return float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm)
