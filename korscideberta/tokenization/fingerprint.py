"""A digest of everything that decides which ids a text gets, and the comparison of two of them."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from korscideberta.errors import ModelError
from korscideberta.hub import locate
from korscideberta.tokenization.dictionary import dictionary_identity
from korscideberta.tokenization.pieces import read_json
from korscideberta.tokenization.recipe import Recipe

logger = logging.getLogger(__name__)

FINGERPRINT_KEY = "korsci_fingerprint"
"""Where tokenizer_config.json carries the fingerprint of the tokenizer that was saved."""

_SHA256 = re.compile("[0-9a-f]{64}")


def fingerprint(recipe: Recipe, *, model_sha256: str, special_ids: dict[str, int], lower_case: bool) -> dict[str, Any]:
    """The parts and, as `digest`, the SHA-256 of their canonical JSON.

    Dictionaries count by their content, not by where they lie; the system dictionary not at all where no analyser
    runs. Raises DependencyError where the recipe's dictionary is missing.
    """
    parts: dict[str, Any] = {
        "engine": recipe.engine,
        "dictionary": None if recipe.engine == "none" else dictionary_identity(recipe.dictionary),
        "user_dictionary": recipe.user_dictionary_sha256,
        "normalization": recipe.normalization,
        "joiner": recipe.joiner,
        "lower_case": lower_case,
        "special_ids": special_ids,
        "spm_sha256": model_sha256,
    }
    canonical = json.dumps(parts, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return {**parts, "digest": hashlib.sha256(canonical.encode()).hexdigest()}


def recorded_fingerprint(source: str | Path) -> Any:
    """What the tokenizer_config.json of a model folder or hub repository records; None without a tokenizer there."""
    try:
        folder = locate(source, "tokenizer")
    except ModelError:
        return None
    return read_json(folder / "tokenizer_config.json").get(FINGERPRINT_KEY)


def differences(recorded: Mapping[str, Any], found: Mapping[str, Any], ignored: Collection[str] = ()) -> list[str]:
    """The parts in which two fingerprints differ, each with both values; a part that is missing counts as None."""
    names = [name for name in found if name != "digest" and name not in ignored]
    return [
        f"{name.replace('_', ' ')} {_shown(recorded.get(name))}, now {_shown(found[name])}"
        for name in names
        if recorded.get(name) != found[name]
    ]


def refuse_difference(
    recorded: Any, found: Mapping[str, Any], *, owner: str, ignored: Collection[str] = (), allowed: bool = False
) -> None:
    """Raise ModelError where `found` is not the recorded fingerprint; where that is `allowed`, warn.

    Nothing recorded (None) fits everything. `owner` starts the message: whose fingerprint was recorded.
    """
    if recorded is None:
        return
    if not isinstance(recorded, Mapping):
        raise ModelError(f"{owner}: its recorded fingerprint is {recorded!r}, not an object; save it again")
    different = differences(recorded, found, ignored)
    if different and not allowed:
        raise ModelError(
            f"{owner}: made with another tokenizer than it meets here: {'; '.join(different)}; "
            "install what it was made with, or accept other ids with --allow-tokenizer-mismatch (allow_mismatch=True)"
        )
    if different:
        logger.warning("%s: made with another tokenizer than it meets here: %s", owner, "; ".join(different))


def _shown(value: Any) -> str:
    if isinstance(value, str) and _SHA256.fullmatch(value):
        return f"{value[:12]}…"
    return "none" if value is None else json.dumps(value, ensure_ascii=False)
