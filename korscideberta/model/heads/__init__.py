"""Heads over the encoder, each with its loss."""

from __future__ import annotations

from korscideberta.model.heads.choice import DebertaV2ForMultipleChoice
from korscideberta.model.heads.masked_lm import DebertaV2ForMaskedLM
from korscideberta.model.heads.reading import DebertaV2ForQuestionAnswering
from korscideberta.model.heads.replaced_tokens import DebertaV2ForReplacedTokenDetection
from korscideberta.model.heads.sequence import DebertaV2ForSequenceClassification
from korscideberta.model.heads.tokens import DebertaV2ForTokenClassification

__all__ = [
    "DebertaV2ForMaskedLM",
    "DebertaV2ForMultipleChoice",
    "DebertaV2ForQuestionAnswering",
    "DebertaV2ForReplacedTokenDetection",
    "DebertaV2ForSequenceClassification",
    "DebertaV2ForTokenClassification",
]
