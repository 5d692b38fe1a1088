"""What the models return."""

# Shapes: B sequences, L places, D hidden, C labels, T packed tokens

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class EncoderOutput:
    """Output of the bare model: (B, L, D) with padded places zero, or (T, D) for packed input."""

    last_hidden_state: Tensor
    hidden_states: tuple[Tensor, ...] | None
    """Embeddings, then the output of every layer; None unless asked for."""


@dataclass(frozen=True, kw_only=True)
class ClassifierOutput:
    """Output of a classification head."""

    logits: Tensor
    """(B, C), before softmax or sigmoid."""
    loss: Tensor | None
    """The mean over the batch, a scalar; None without labels."""
    hidden_states: tuple[Tensor, ...] | None
    """As in EncoderOutput."""
