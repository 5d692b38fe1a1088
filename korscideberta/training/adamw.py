"""AdamW over torch's fused kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.adamw import adamw


class AdamW(Optimizer):
    """The updates, state and saved form of `torch.optim.AdamW`.

    That class loads torch's compiler when it is made, which takes as long as the rest of a program's start; the methods
    here do without it. Source: Loshchilov and Hutter 2019 (arXiv 1711.05101).

    Args:
        groups: parameters of one dtype and device a group, with what differs from the values given here.
        lr: learning rate.
        betas: decay of the two moments.
        eps: added to the root of the second moment.
        weight_decay: share of the weights, times the rate, taken off at each step.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        *,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(groups, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Take a further group of parameters."""
        self.param_groups.append({**self.defaults, **param_group, "params": list(param_group["params"])})

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Let go of the gradients, or set them to 0."""
        for parameter in self._parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad.zero_()

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            updated = [(parameter, parameter.grad) for parameter in group["params"] if parameter.grad is not None]
            if not updated:
                continue
            parameters, gradients = (list(column) for column in zip(*updated, strict=True))
            states = [self._state_of(parameter) for parameter in parameters]
            beta1, beta2 = group["betas"]
            adamw(
                parameters,
                gradients,
                [state["exp_avg"] for state in states],
                [state["exp_avg_sq"] for state in states],
                [],
                [state["step"] for state in states],
                fused=parameters[0].device.type in ("cpu", "cuda") or None,
                amsgrad=False,
                beta1=beta1,
                beta2=beta2,
                lr=group["lr"],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                maximize=False,
            )
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Return the state by the number of each parameter, and the groups with those numbers."""
        numbers: dict[Tensor, int] = {parameter: number for number, parameter in enumerate(self._parameters())}
        return {
            "state": {numbers[parameter]: state for parameter, state in self.state.items()},
            "param_groups": [
                {**group, "params": [numbers[parameter] for parameter in group["params"]]}
                for group in self.param_groups
            ],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state; ValueError where its groups are not of as many parameters as these."""
        groups, saved = self.param_groups, state_dict["param_groups"]
        if [len(group["params"]) for group in groups] != [len(group["params"]) for group in saved]:
            raise ValueError("the saved state is of other groups of parameters")
        parameters = dict(zip((n for group in saved for n in group["params"]), self._parameters(), strict=True))
        self.state.clear()
        for number, state in state_dict["state"].items():
            parameter = parameters[number]
            self.state[parameter] = {name: value.to(parameter.device, copy=True) for name, value in state.items()}
        self.param_groups = [{**old, "params": group["params"]} for group, old in zip(groups, saved, strict=True)]

    def _parameters(self) -> list[nn.Parameter]:
        return [parameter for group in self.param_groups for parameter in group["params"]]

    def _state_of(self, parameter: nn.Parameter) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[parameter]
        if not state:
            # The fused kernel counts steps where the parameter is.
            state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        return state
