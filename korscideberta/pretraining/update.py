"""One optimizer step of a model whose loss comes in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, distributed, nn

from korscideberta.collective import total, world_size
from korscideberta.pretraining.settings import PretrainSettings
from korscideberta.training.optimizer import build_optimizer
from korscideberta.training.scaling import LossScaler
from korscideberta.training.update import finite_total, optimizer_step


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

        def backward() -> float:
            mine = 0.0
            for loss in losses():
                mine += float(loss.detach())
                (loss * self.scaler.scale).backward()  # type: ignore[no-untyped-call]
            loss_of_all = finite_total(mine, self.optimizer)
            sum_gradients(list(self.model.parameters()))
            return loss_of_all

        return optimizer_step(
            backward, self.model, self.optimizer, self.scaler, max_grad_norm=self.max_grad_norm, factor=factor
        )

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
