"""What this machine's processor and torch's build for it can do."""

from __future__ import annotations

import torch


def has_bf16_unit() -> bool:
    """Whether the processor multiplies bfloat16 numbers itself; elsewhere they are emulated, slower than float32."""
    asks = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile"))
    return any(ask() for ask in asks if ask is not None)


def has_int8_product() -> bool:
    """Whether torch was built with oneDNN and its product of 8-bit matrices."""
    built = bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
    return built and hasattr(torch.ops.onednn, "qlinear_pointwise")
