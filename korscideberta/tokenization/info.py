"""What there is to say about a tokenizer, for people."""

from __future__ import annotations

from typing import Any

from korscideberta.tokenization.dictionary import find_dictionary
from korscideberta.tokenization.model_file import model_settings
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer


def describe(tokenizer: DebertaV2Tokenizer) -> dict[str, Any]:
    """Engine, dictionary, normalisation, SentencePiece settings, special tokens and fingerprint; JSON content.

    Raises DependencyError where the recipe's dictionary is missing.
    """
    recipe, pieces = tokenizer.recipe, tokenizer.pieces
    settings = model_settings(pieces.model)
    fingerprint = tokenizer.fingerprint()
    return {
        "engine": recipe.engine,
        "dictionary": None if recipe.engine == "none" else str(find_dictionary(recipe.dictionary)),
        "dictionary_identity": fingerprint["dictionary"],
        "user_dictionary": recipe.user_dictionary,
        "user_dictionary_sha256": recipe.user_dictionary_sha256,
        "normalization": recipe.normalization,
        "joiner": recipe.joiner,
        "lower_case": tokenizer.lower_case,
        "model": pieces.origin,
        "model_sha256": fingerprint["spm_sha256"],
        "model_type": settings.model_type,
        "byte_fallback": settings.byte_fallback,
        "model_normalizer": settings.normalizer or None,
        "vocab_size": tokenizer.vocab_size,
        "tokens": len(tokenizer),
        "max_length": tokenizer.model_max_length,
        "special_tokens": {
            role: {"token": tokenizer.convert_ids_to_tokens(index), "id": index}
            for role, index in fingerprint["special_ids"].items()
        },
        "fingerprint": fingerprint["digest"],
    }
