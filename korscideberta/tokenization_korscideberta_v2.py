"""The released model's import path: `korscideberta.tokenization_korscideberta_v2.DebertaV2Tokenizer`."""

from __future__ import annotations

from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

__all__ = ["DebertaV2Tokenizer"]
