"""Cross entropy over a vocabulary so large that its logits and their gradient outweigh the model.

The gradient of the logits is softmax minus one-hot, known up to the loss's own gradient as soon as the logits are. So
forward turns each chunk of logits into that, in place, and at once into the gradients of the inputs; no logits are left
for backward, which has only to scale. (The order of work of Hsu et al. 2024, arXiv 2410.10989, section 3.2.)
"""

# Shapes: Q predictions, D hidden, V vocabulary, C predictions of a chunk

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

_MOST_LOGITS = 1 << 26
"""Logits that exist at one time: 256 MiB of float32, 523 predictions of 128,100 pieces."""


def vocabulary_cross_entropy(x_QD: Tensor, word_VD: Tensor, bias_V: Tensor, label_Q: Tensor) -> Tensor:
    """Mean cross entropy of the logits x·word + bias, in float32 or the inputs' wider type; 0 without predictions.

    Args:
        x_QD: states to predict from.
        word_VD: one row for every piece.
        bias_V: one number for every piece.
        label_Q: the right piece of each prediction.
    """
    if label_Q.numel() == 0:
        return (x_QD.sum() + word_VD[:1].sum() + bias_V[:1].sum()) * 0.0
    if torch.compiler.is_compiling():
        logits_QV = F.linear(x_QD, word_VD, bias_V)
        return F.cross_entropy(logits_QV.to(torch.promote_types(logits_QV.dtype, torch.float32)), label_Q.long())
    device = x_QD.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x_QD.dtype
    wants = torch.is_grad_enabled() and any(x.requires_grad for x in (x_QD, word_VD, bias_V))
    loss: Tensor = _CrossEntropy.apply(  # type: ignore[no-untyped-call]
        x_QD, word_VD, bias_V, label_Q.long(), dtype, wants
    )
    return loss


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x_QD: Tensor, word_VD: Tensor, bias_V: Tensor, label_Q: Tensor, dtype: torch.dtype, wants: bool
    ) -> Tensor:
        loss, ctx.grads = _loss_and_gradients(x_QD, word_VD, bias_V, label_Q, dtype, wants)
        ctx.save_for_backward(x_QD, word_VD, bias_V, label_Q)
        ctx.dtype = dtype
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        inputs = ctx.saved_tensors
        # Scaled in place, they can be given away only once; who comes back for them (retain_graph) gets new ones.
        grads, ctx.grads = ctx.grads, None
        if grads is None:
            x_QD, word_VD, bias_V, label_Q = inputs
            _, grads = _loss_and_gradients(x_QD, word_VD, bias_V, label_Q, ctx.dtype, True)
        assert grads is not None
        return *(x.mul_(grad).to(to.dtype) for x, to in zip(grads, inputs, strict=False)), None, None, None


def _loss_and_gradients(
    x_QD: Tensor, word_VD: Tensor, bias_V: Tensor, label_Q: Tensor, dtype: torch.dtype, wants: bool
) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor] | None]:
    with torch.autocast(x_QD.device.type, enabled=False):
        return _in_chunks(x_QD.to(dtype), word_VD.to(dtype), bias_V.to(dtype), label_Q, wants)


def _in_chunks(
    x_QD: Tensor, word_VD: Tensor, bias_V: Tensor, label_Q: Tensor, wants: bool
) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor] | None]:
    count = label_Q.shape[0]
    wide = torch.promote_types(x_QD.dtype, torch.float32)
    total = torch.zeros((), dtype=wide, device=x_QD.device)
    for_x_QD, for_word_VD, for_bias_V = torch.empty_like(x_QD), None, torch.zeros_like(bias_V, dtype=wide)
    size = max(1, _MOST_LOGITS // word_VD.shape[0])
    for first in range(0, count, size):
        x_CD, label_C, for_x_CD = (x[first : first + size] for x in (x_QD, label_Q, for_x_QD))
        log_prob_CV = torch.addmm(bias_V, x_CD, word_VD.T).to(wide)
        torch.log_softmax(log_prob_CV, -1, out=log_prob_CV)
        total -= log_prob_CV.gather(1, label_C[:, None]).sum()
        if not wants:
            continue
        for_logit_CV = log_prob_CV.exp_()
        for_logit_CV.scatter_add_(1, label_C[:, None], for_logit_CV.new_full((label_C.shape[0], 1), -1.0))
        for_logit_CV.div_(count)
        for_bias_V += for_logit_CV.sum(0)
        for_logit_CV = for_logit_CV.to(x_QD.dtype)
        torch.mm(for_logit_CV, word_VD, out=for_x_CD)
        if for_word_VD is None:
            for_word_VD = for_logit_CV.T @ x_CD
        else:
            for_word_VD.addmm_(for_logit_CV.T, x_CD)
    return total / count, None if for_word_VD is None else (for_x_QD, for_word_VD, for_bias_V)
