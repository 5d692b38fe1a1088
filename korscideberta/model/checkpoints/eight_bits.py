"""How a model with 8-bit layers stands in a folder: int8 weights with scales, and what config.json says of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from korscideberta.errors import ModelError
from korscideberta.model.checkpoints import names
from korscideberta.model.quantized import quantize_weight

_KEY = "quantization_config"
_METHOD = {"quant_method": "korscideberta-int8", "version": 1}
_NOTE = "Read by korscideberta alone: a row is weight * weight_scale, inputs in 8 bits have a step for each row."
IN_8_BITS: dict[str, Any] = {"model_type": _METHOD["quant_method"], _KEY: {**_METHOD, "note": _NOTE}}
"""What config.json holds. transformers only warns of a method it does not know, and would take whole numbers for
weights; a type of model it does not know it refuses."""


def pop_quantization(settings: dict[str, Any], folder: Path) -> bool:
    """Make the settings of a folder those of the same model in float32, and return whether its layers are in 8 bits.

    Raises:
        ModelError: they are quantized in a way that this package does not read.
    """
    found = settings.pop(_KEY, None)
    if found is None:
        return False
    method = {name: found.get(name) for name in _METHOD} if isinstance(found, dict) else found
    if method != _METHOD:
        raise ModelError(
            f"{folder / 'config.json'}: {_KEY} is {method}; this package reads {_METHOD} alone, use the model it was "
            "made of"
        )
    settings["model_type"] = "deberta-v2"
    return True


def quantized_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Standard weights, with those of the layers' linear maps in 8 bits and their scales beside them."""
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if names.is_layer_weight(name):
            found[name], found[f"{name}_scale"] = quantize_weight(tensor)
        else:
            found[name] = tensor
    return found


def check_tensor(name: str, tensor: Tensor, parameter: Tensor, source: Path | str) -> None:
    """Refuse a tensor that is none for this parameter.

    Raises:
        ModelError: one holds 8-bit numbers and the other does not, or a scale is not a positive number.
    """
    if tensor.is_floating_point() != parameter.is_floating_point():
        raise ModelError(
            f"{source}: {name} holds {str(tensor.dtype).removeprefix('torch.')} numbers, config.json asks for "
            f"{str(parameter.dtype).removeprefix('torch.')}; use the config.json that belongs to these weights"
        )
    if name.endswith(".weight_scale") and not bool(torch.all(torch.isfinite(tensor) & (tensor > 0))):
        raise ModelError(f"{source}: {name} holds scales that are no positive numbers; copy it again from its source")
