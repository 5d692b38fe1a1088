"""Heads over the encoder, each with its loss."""

from __future__ import annotations

from korscideberta.model.heads.masked_lm import DebertaV2ForMaskedLM
from korscideberta.model.heads.replaced_tokens import DebertaV2ForReplacedTokenDetection
from korscideberta.model.heads.sequence import DebertaV2ForSequenceClassification

__all__ = [
    "DebertaV2ForMaskedLM",
    "DebertaV2ForReplacedTokenDetection",
    "DebertaV2ForSequenceClassification",
]
