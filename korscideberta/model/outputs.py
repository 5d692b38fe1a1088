"""What the models return."""

# Shapes: B sequences, N places of the caller's batch, D hidden, C labels, V vocabulary, T packed tokens,
#         Q masked ones among them

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class EncoderOutput:
    """Output of the bare model: (B, N, D) with padded places zero, or (T, D) for packed input."""

    last_hidden_state: Tensor
    hidden_states: tuple[Tensor, ...] | None
    """Embeddings, then the output of every layer; None unless asked for."""


@dataclass(frozen=True, kw_only=True)
class HeadOutput:
    """What every head returns."""

    loss: Tensor | None
    """The mean over what has a label, a scalar; None without labels."""
    hidden_states: tuple[Tensor, ...] | None
    """As in EncoderOutput, the layers that ran."""


@dataclass(frozen=True, kw_only=True)
class ClassifierOutput(HeadOutput):
    """Output of a classification head."""

    logits: Tensor
    """Before softmax or sigmoid: (B, C) of sequences or choices, (B, N, C) or packed (T, C) of tokens."""


@dataclass(frozen=True, kw_only=True)
class MaskedLMOutput(HeadOutput):
    """Output of the masked language model."""

    logits: Tensor | None
    """(B, N, V) or packed (T, V) without labels; with them, (Q, V) at the labelled tokens in the order of the batch,
    or None unless asked for."""


@dataclass(frozen=True, kw_only=True)
class ReplacedTokenOutput(HeadOutput):
    """Output of replaced-token detection."""

    logits: Tensor
    """(B, N) with padded places zero, or packed (T,): above 0 where a token looks replaced."""


@dataclass(frozen=True, kw_only=True)
class QuestionAnsweringOutput(HeadOutput):
    """Output of question answering."""

    logits: Tensor
    """(B, N, 2) or packed (T, 2), of the start and the end; the lowest number at padded places."""

    @property
    def start_logits(self) -> Tensor:
        """(B, N) or packed (T,)."""
        return self.logits[..., 0]

    @property
    def end_logits(self) -> Tensor:
        """(B, N) or packed (T,)."""
        return self.logits[..., 1]
