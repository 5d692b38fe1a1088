"""Number formats a model runs in."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from korscideberta.errors import ConfigError

PRECISIONS = ("auto", "float32", "bf16", "fp16")
INFERENCE_PRECISIONS = (*PRECISIONS, "int8")
"""What a finished model can answer in: int8 is its encoder's linear layers in 8 bits, on a CPU."""
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def resolve_precision(name: str, device: torch.device) -> str:
    """Turn `auto` into a format: bf16 on a GPU that has it (else fp16), float32 on a CPU.

    Raises:
        ConfigError: an unknown name, int8, which cannot be trained in, or fp16 on a CPU, where it would be slower.
    """
    if name == "int8":
        raise ConfigError("--precision int8 is for korsci predict and korsci eval; train in float32, bf16 or fp16")
    if name not in PRECISIONS:
        raise ConfigError(f"--precision {name}: use one of {', '.join(PRECISIONS)}")
    if name == "fp16" and device.type == "cpu":
        raise ConfigError("--precision fp16 needs a GPU; use bf16 or float32 on a CPU")
    if name != "auto":
        return name
    if device.type == "cpu":
        return "float32"
    return "bf16" if torch.cuda.is_bf16_supported() else "fp16"


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which matrix products run in `precision`; int8 layers choose theirs themselves."""
    if precision in ("float32", "int8"):
        return nullcontext()
    return torch.autocast(device.type, dtype=_DTYPES[precision])


def pick_device(name: str = "auto") -> torch.device:
    """Return the device called `auto` (a GPU when there is one), `cpu`, `cuda`, `cuda:1` …

    Raises:
        ConfigError: the device is unknown or not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"--device {name}: not available ({str(error).splitlines()[0]})") from None
    return device
