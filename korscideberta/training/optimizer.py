"""AdamW with the parameter groups of the original implementation."""

from __future__ import annotations

from torch import nn
from torch.optim import AdamW


def build_optimizer(model: nn.Module, learning_rate: float, weight_decay: float) -> AdamW:
    """Return fused AdamW (betas 0.9 and 0.999, epsilon 1e-6) that leaves biases and layer norms undecayed.

    Those are exactly the parameters with one dimension.
    """
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [parameter for parameter in trainable if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in trainable if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=learning_rate, betas=(0.9, 0.999), eps=1e-6, fused=True)
