"""Fine-tune, evaluate and use DeBERTa-v2 models on Korean science and technology text.

Names are looked up on first use, so that `import korscideberta` and `korsci --help` load no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from korscideberta._version import __version__
from korscideberta.errors import KorsciError

if TYPE_CHECKING:
    from korscideberta import tokenization_korscideberta_v2
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
    from korscideberta.prediction import Predictor
    from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

__all__ = [
    "DebertaV2Config",
    "DebertaV2ForMaskedLM",
    "DebertaV2ForMultipleChoice",
    "DebertaV2ForQuestionAnswering",
    "DebertaV2ForReplacedTokenDetection",
    "DebertaV2ForSequenceClassification",
    "DebertaV2ForTokenClassification",
    "DebertaV2Model",
    "DebertaV2Tokenizer",
    "KorsciError",
    "Predictor",
    "__version__",
    "tokenization_korscideberta_v2",
]

_HOMES = {
    "DebertaV2Config": "korscideberta.model.config",
    "DebertaV2Model": "korscideberta.model.encoder",
    "DebertaV2ForMaskedLM": "korscideberta.model.heads",
    "DebertaV2ForMultipleChoice": "korscideberta.model.heads",
    "DebertaV2ForQuestionAnswering": "korscideberta.model.heads",
    "DebertaV2ForReplacedTokenDetection": "korscideberta.model.heads",
    "DebertaV2ForSequenceClassification": "korscideberta.model.heads",
    "DebertaV2ForTokenClassification": "korscideberta.model.heads",
    "DebertaV2Tokenizer": "korscideberta.tokenization.tokenizer",
    "Predictor": "korscideberta.prediction",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name == "tokenization_korscideberta_v2":
        return importlib.import_module(f"korscideberta.{name}")
    raise AttributeError(f"module 'korscideberta' has no attribute {name!r}")
