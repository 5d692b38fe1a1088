"""One optimizer step of a model whose loss comes in parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, distributed, nn

from korscideberta.collective import total, world_size
from korscideberta.pretraining.settings import PretrainSettings
from korscideberta.training.optimizer import build_optimizer, set_rates
from korscideberta.training.scaling import LossScaler
from korscideberta.training.update import NotFinite


class Optimization:
    """A model's optimizer with what belongs to it: the scale of fp16 losses, clipping.

    Args:
        model: the model, on its device.
        settings: hyper-parameters.
        learning_rate: the peak rate; None is that of the settings.
    """

    def __init__(self, model: nn.Module, settings: PretrainSettings, learning_rate: float | None = None) -> None:
        self.model = model
        self.optimizer = build_optimizer(model, settings.optimizer(learning_rate))
        self.scaler = LossScaler(dynamic=settings.precision == "fp16")
        self.max_grad_norm = settings.max_grad_norm

    def step(self, losses: Callable[[], Iterable[Tensor]], factor: float) -> float:
        """Make one step at the peak rates times `factor` and return the sum of the losses, over all processes.

        `losses` gives this process's parts of the loss, each computed only when it is asked for; it is called again
        where fp16 gradients have overflowed.

        Raises:
            NotFinite: the loss is not finite, or the gradients are not and no smaller scale of the loss mends it; in
                all processes alike.
        """
        while True:
            mine = 0.0
            for loss in losses():
                mine += float(loss.detach())
                (loss * self.scaler.scale).backward()  # type: ignore[no-untyped-call]
            (loss_of_all,) = total(mine)
            if not math.isfinite(loss_of_all):
                self.optimizer.zero_grad(set_to_none=True)
                raise NotFinite(f"the loss is {loss_of_all}")
            sum_gradients(list(self.model.parameters()))
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
        return loss_of_all

    def _unscale_and_clip(self) -> float:
        parameters = [parameter for parameter in self.model.parameters() if parameter.grad is not None]
        if self.scaler.scale != 1:
            for parameter in parameters:
                assert parameter.grad is not None
                parameter.grad.mul_(1 / self.scaler.scale)
        return float(nn.utils.clip_grad_norm_(parameters, self.max_grad_norm or math.inf))

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` takes."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])


def sum_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Make every gradient the sum of those of all processes; one that no process has stays absent.

    Losses are divided by what the whole batch weighs, so the sum is the batch's gradient. The processes speak once
    after the last part of a batch, and not through a wrapper around the model: the discriminator runs with tables that
    are no parameters of its own.
    """
    if world_size() == 1:
        return
    had = total(*(float(parameter.grad is not None) for parameter in parameters))
    for parameter, count in zip(parameters, had, strict=True):
        if count:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            distributed.all_reduce(parameter.grad)
