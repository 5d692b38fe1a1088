"""Text to ids: Korean morphological analysers, SentencePiece, and the tokenizer that joins them."""

from __future__ import annotations

from korscideberta.tokenization.batch import BatchEncoding
from korscideberta.tokenization.recipe import Recipe
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.tokenization.train import train_tokenizer

__all__ = ["BatchEncoding", "DebertaV2Tokenizer", "Recipe", "train_tokenizer"]
