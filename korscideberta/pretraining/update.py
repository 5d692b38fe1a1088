"""One optimizer step of a model whose loss comes in parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor, nn

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
        """Make one step at the peak rates times `factor` and return the sum of the losses.

        `losses` gives the parts of the loss, each computed only when it is asked for; it is called again where fp16
        gradients have overflowed.

        Raises:
            NotFinite: the loss is not finite, or the gradients are not and no smaller scale of the loss mends it.
        """
        while True:
            total = 0.0
            for loss in losses():
                total += float(loss.detach())
                if not math.isfinite(total):
                    self.optimizer.zero_grad(set_to_none=True)
                    raise NotFinite(f"the loss is {total}")
                (loss * self.scaler.scale).backward()  # type: ignore[no-untyped-call]
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
        return total

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
