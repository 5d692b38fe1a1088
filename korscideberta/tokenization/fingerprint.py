"""A digest of everything that decides which ids a text gets."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from korscideberta.tokenization.dictionary import dictionary_identity
from korscideberta.tokenization.recipe import Recipe


def fingerprint(recipe: Recipe, *, model_sha256: str, special_ids: dict[str, int], lower_case: bool) -> dict[str, Any]:
    """The parts and, as `digest`, the SHA-256 of their canonical JSON.

    The dictionary counts by its content (`dictionary_identity`), not by where it is installed, and not at all where no
    analyser runs. Raises DependencyError where the recipe's dictionary is missing.
    """
    parts: dict[str, Any] = {
        "engine": recipe.engine,
        "dictionary": None if recipe.engine == "none" else dictionary_identity(recipe.dictionary),
        "normalization": recipe.normalization,
        "joiner": recipe.joiner,
        "lower_case": lower_case,
        "special_ids": special_ids,
        "spm_sha256": model_sha256,
    }
    canonical = json.dumps(parts, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return {**parts, "digest": hashlib.sha256(canonical.encode()).hexdigest()}
