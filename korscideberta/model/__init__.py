"""The DeBERTa-v2 encoder and its heads, native in PyTorch."""

from __future__ import annotations

from korscideberta.model.attention import ATTENTION_NAMES
from korscideberta.model.checkpoints import LoadReport
from korscideberta.model.config import DebertaV2Config
from korscideberta.model.encoder import DebertaV2Model
from korscideberta.model.heads import (
    DebertaV2ForMaskedLM,
    DebertaV2ForMultipleChoice,
    DebertaV2ForQuestionAnswering,
    DebertaV2ForReplacedTokenDetection,
    DebertaV2ForSequenceClassification,
    DebertaV2ForTokenClassification,
)
from korscideberta.model.outputs import (
    ClassifierOutput,
    EncoderOutput,
    MaskedLMOutput,
    QuestionAnsweringOutput,
    ReplacedTokenOutput,
)
from korscideberta.model.presets import PRESET_NAMES, preset

__all__ = [
    "ATTENTION_NAMES",
    "PRESET_NAMES",
    "ClassifierOutput",
    "DebertaV2Config",
    "DebertaV2ForMaskedLM",
    "DebertaV2ForMultipleChoice",
    "DebertaV2ForQuestionAnswering",
    "DebertaV2ForReplacedTokenDetection",
    "DebertaV2ForSequenceClassification",
    "DebertaV2ForTokenClassification",
    "DebertaV2Model",
    "EncoderOutput",
    "LoadReport",
    "MaskedLMOutput",
    "QuestionAnsweringOutput",
    "ReplacedTokenOutput",
    "preset",
]
