"""AdamW with the parameter groups of the original implementation, rates by depth, and frozen parts."""

from __future__ import annotations

import re
from typing import Any

from torch import nn
from torch.optim import Optimizer

from korscideberta.errors import ConfigError
from korscideberta.training.adamw import AdamW
from korscideberta.training.settings import TrainSettings
from korscideberta.training.sharding import shard_optimizer

_ENCODER = "deberta."
_EMBEDDINGS = "deberta.embeddings."
_CONVOLUTION = "deberta.encoder.convolution."
_LAYER = re.compile(r"^deberta\.encoder\.layers\.(\d+)\.")


def layer_of(name: str, layers: int) -> int:
    """Return where a parameter stands: 0 embeddings and the relative table, i + 1 layer i, layers + 1 the head.

    The convolution beside the first layer counts with it.
    """
    if not name.startswith(_ENCODER):
        return layers + 1
    if name.startswith(_CONVOLUTION):
        return 1
    layer = _LAYER.match(name)
    return int(layer.group(1)) + 1 if layer else 0


def count_layers(model: nn.Module) -> int:
    """Return how many encoder layers a model has."""
    found = (_LAYER.match(name) for name, _ in model.named_parameters())
    return max((int(layer.group(1)) + 1 for layer in found if layer), default=0)


def freeze(model: nn.Module, settings: TrainSettings) -> None:
    """Leave the embeddings, and as many of the first layers as the settings say, out of training.

    With a layer the relative table is frozen too: its gradient would run through the frozen layers.

    Raises:
        ConfigError: the model has fewer layers.
    """
    frozen = settings.frozen_layers()
    if frozen is None:
        return
    layers = count_layers(model)
    if frozen > layers:
        raise ConfigError(f"--freeze {frozen}: the model has {layers} layers")
    for name, parameter in model.named_parameters():
        if name.startswith(_EMBEDDINGS) or (frozen and layer_of(name, layers) <= frozen):
            parameter.requires_grad_(False)


def build_optimizer(model: nn.Module, settings: TrainSettings) -> Optimizer:
    """Return AdamW (betas 0.9 and 0.999, epsilon 1e-6) over the trainable parameters.

    Biases and layer norms, which are exactly the parameters of one dimension, are not decayed. Each group has its
    peak rate as `peak`; `set_rates` makes the rates of a step of them.
    """
    layers = count_layers(model)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            decay = settings.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((_peak(layer_of(name, layers), layers, settings), decay), []).append(parameter)
    listed: list[dict[str, Any]] = [
        {"params": parameters, "lr": peak, "peak": peak, "weight_decay": decay}
        for (peak, decay), parameters in groups.items()
    ]
    make = shard_optimizer if settings.sharding == "optimizer" else AdamW
    return make(listed, betas=(0.9, 0.999), eps=1e-6)


def set_rates(optimizer: Optimizer, factor: float) -> None:
    """Give every group the rate of a step: its peak times the schedule's factor."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor


def _peak(layer: int, layers: int, settings: TrainSettings) -> float:
    if layer > layers:
        return settings.head_learning_rate or settings.learning_rate
    return settings.learning_rate * settings.layer_decay ** (layers - layer)
