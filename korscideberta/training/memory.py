"""Memory a run has used, and what it is going to need.

Shapes: B batch, L tokens.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


def peak_memory(device: torch.device) -> int:
    """Return the most bytes in use so far: tensors on a GPU, the whole process on a CPU (0 where it is not known)."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # Windows
        return 0
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage if sys.platform == "darwin" else usage * 1024


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes a training step needs beside the program itself."""

    weights: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.gradients + self.optimizer + self.activations


def estimate(
    model: nn.Module, loss: Callable[[], Tensor], *, model_shares: int = 1, optimizer_shares: int = 1
) -> MemoryEstimate:
    """Count what a step holds: weights, gradients and AdamW's two moments exactly, activations from one forward pass.

    Args:
        model: the model, frozen where it will be.
        loss: computes the loss of the largest part of a batch; it is called once. What autograd keeps of it for the
            backward pass is counted, which is all but the temporary results of single operations.
        model_shares: processes that share weights and gradients.
        optimizer_shares: processes that share the moments.
    """
    parameters = list(model.parameters())
    trainable = sum(parameter.nbytes for parameter in parameters if parameter.requires_grad)
    return MemoryEstimate(
        weights=sum(parameter.nbytes for parameter in parameters) // model_shares,
        gradients=trainable // model_shares,
        optimizer=2 * trainable // optimizer_shares,
        activations=_saved_bytes(loss, parameters),
    )


def _saved_bytes(loss: Callable[[], Tensor], parameters: list[nn.Parameter]) -> int:
    known = {parameter.untyped_storage().data_ptr() for parameter in parameters}
    kept: dict[int, Any] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage  # held, so that no other storage gets the same address
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss()
    return sum(storage.nbytes() for storage in kept.values())
