"""SiFT: scale-invariant adversarial fine-tuning (He et al. 2020, arXiv 2006.03654, section 5).

Word embeddings are packed, (T, D) of T tokens and hidden size D.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from korscideberta.data.batching import Batch


@dataclass(frozen=True)
class Sift:
    """Perturbs layer-normalised word embeddings in the direction that changes the prediction most."""

    weight: float
    learning_rate: float
    """Length of the one ascent step, relative to the largest component of the gradient of each token."""
    initial: float
    """Standard deviation of the first perturbation, which is cut off at twice that."""
    change: Callable[[Tensor, Tensor], Tensor]
    """How far two predictions are apart, summed over the batch: `change` of the objective."""

    def loss(self, model: nn.Module, batch: Batch, clean_logits: Tensor, scale: float = 1.0) -> Tensor:
        """Return `weight` × the change from clean logits to those of perturbed embeddings, summed over the batch.

        `scale` keeps the gradient of the ascent above fp16's underflow; the length of the ascent does not depend on it.
        """
        embeddings = model.get_input_embeddings()  # type: ignore[operator]
        delta = self._first_delta(embeddings, batch.input_ids)
        probe = self.change(self._logits(model, batch, embeddings, delta), clean_logits.detach())
        (gradient,) = torch.autograd.grad(scale * probe, delta)
        largest = gradient.abs().amax(dim=-1, keepdim=True).clamp_min(torch.finfo(gradient.dtype).tiny)
        ascended = (delta + self.learning_rate * gradient / largest).detach()
        return self.weight * self.change(self._logits(model, batch, embeddings, ascended), clean_logits)

    def _first_delta(self, embeddings: nn.Embedding, input_ids: Tensor) -> Tensor:
        noise = torch.randn(*input_ids.shape, embeddings.embedding_dim, device=input_ids.device) * self.initial
        return noise.clamp_(-2 * self.initial, 2 * self.initial).requires_grad_()

    def _logits(self, model: nn.Module, batch: Batch, embeddings: nn.Embedding, delta: Tensor) -> Tensor:
        with _perturbed(embeddings, delta):
            logits: Tensor = model(**batch.inputs).logits
        return logits


@contextmanager
def _perturbed(embeddings: nn.Embedding, delta: Tensor) -> Iterator[None]:
    """Replace what the embedding table gives by its layer norm (no affine) plus `delta`, for one forward pass."""

    def perturb(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return F.layer_norm(output, output.shape[-1:], eps=1e-7) + delta

    handle = embeddings.register_forward_hook(perturb)
    try:
        yield
    finally:
        handle.remove()
