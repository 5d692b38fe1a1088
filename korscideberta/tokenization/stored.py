"""The recipe in a tokenizer's folder: written with its user dictionary, and found again on whichever machine."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from korscideberta.errors import ConfigError, DependencyError, ModelError
from korscideberta.files import file_sha256, replacing
from korscideberta.tokenization.dictionary import DEFAULT_DICTIONARY, find_dictionary
from korscideberta.tokenization.mecab import is_installed
from korscideberta.tokenization.recipe import CONFIG_KEY, Recipe

logger = logging.getLogger(__name__)

USER_DICTIONARY_FILE = "user.dic"
LARGEST_COPY = 64 * 2**20
"""Bytes; a larger user dictionary stays where it is and is recorded by its path and digest."""


def store_recipe(recipe: Recipe, folder: Path) -> dict[str, str]:
    """The recipe as `folder` is to record it, its user dictionary copied there where it is not too large.

    Raises ModelError where the user dictionary is gone or no longer what it was when the tokenizer was opened.
    """
    if recipe.user_dictionary is None:
        return recipe.to_dict()
    source, copy = Path(recipe.user_dictionary), folder / USER_DICTIONARY_FILE
    try:
        size = source.stat().st_size
    except OSError as error:
        raise ModelError(f"user dictionary {source} cannot be read ({error.strerror}); put it back") from None
    if size > LARGEST_COPY:
        return recipe.to_dict()
    if not (copy.exists() and source.samefile(copy)):
        with replacing(copy) as temporary:
            shutil.copyfile(source, temporary)
            sha256 = file_sha256(temporary)
            if sha256 != recipe.user_dictionary_sha256:
                raise ModelError(
                    f"user dictionary {source} has changed; its sha256 is {sha256}, the tokenizer was made with "
                    f"{recipe.user_dictionary_sha256}; put it back"
                )
    return replace(recipe, user_dictionary=USER_DICTIONARY_FILE).to_dict()


def load_recipe(
    config: Mapping[str, Any],
    folder: Path,
    *,
    engine: str | None = None,
    user_dictionary: str | Path | None = None,
    ignore_user_dictionary: bool = False,
    allow_mismatch: bool = False,
) -> Recipe:
    """The recipe that the tokenizer_config.json of `folder` records, its user dictionary found and checked.

    Without a recorded recipe the folder is taken for the released model's kind. `allow_mismatch` takes the next best
    thing, with a warning, for an engine, a dictionary or a user dictionary that this machine lacks.
    """
    recipe = _recorded(config, engine)
    if allow_mismatch:
        recipe = _next_best(recipe)
    if user_dictionary is not None and ignore_user_dictionary:
        raise ConfigError("user_dictionary and ignore_user_dictionary exclude each other; give one")
    if user_dictionary is not None:
        return recipe.with_user_dictionary(user_dictionary)
    if recipe.user_dictionary is None or ignore_user_dictionary:
        return recipe.with_user_dictionary(None)
    try:
        return _found(recipe, folder)
    except ModelError as error:
        if not allow_mismatch:
            raise
        logger.warning("%s; going without", str(error).partition(";")[0])
        return recipe.with_user_dictionary(None)


def _recorded(config: Mapping[str, Any], engine: str | None) -> Recipe:
    recorded = config.get(CONFIG_KEY)
    if recorded is not None:
        if not isinstance(recorded, dict):
            raise ConfigError(f"{CONFIG_KEY!r} in tokenizer_config.json is {recorded!r}, not an object")
        if engine == "none":
            recorded = {name: value for name, value in recorded.items() if not name.startswith("user_dictionary")}
        return Recipe.from_dict(recorded if engine is None else {**recorded, "engine": engine})
    if engine is not None:
        return Recipe(engine=engine, normalization="none" if engine == "none" else "released-1")
    if is_installed("mecab-ko"):
        return Recipe(engine="mecab-ko")
    logger.warning(
        "the released model was pretrained with the analyser mecab-ko, which is not installed; mecab is used and cuts "
        "1.7 %% of sentences differently (4.2 %% of news headlines): pip install korscideberta[mecab-ko]"
    )
    return Recipe(engine="mecab")


def _next_best(recipe: Recipe) -> Recipe:
    if recipe.engine == "none":
        return recipe
    if not is_installed(recipe.engine):
        other = "mecab" if recipe.engine == "mecab-ko" else "mecab-ko"
        logger.warning("the analyser %s is not installed; %s is used instead", recipe.engine, other)
        recipe = replace(recipe, engine=other)
    try:
        find_dictionary(recipe.dictionary)
    except DependencyError as error:
        logger.warning("%s; the installed dictionary is used instead", error)
        recipe = replace(recipe, dictionary=DEFAULT_DICTIONARY)
    return recipe


def _found(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with the path at which its user dictionary lies: beside the tokenizer, or where it was recorded."""
    assert recipe.user_dictionary is not None
    recorded = folder / recipe.user_dictionary
    found = {path: file_sha256(path) for path in (folder / USER_DICTIONARY_FILE, recorded) if path.is_file()}
    for path, sha256 in found.items():
        if sha256 == recipe.user_dictionary_sha256:
            return replace(recipe, user_dictionary=str(path.absolute()))
    remedy = (
        f"put it at {folder / USER_DICTIONARY_FILE}, or name another with --user-dictionary (user_dictionary=PATH), or "
        "go without it with --allow-tokenizer-mismatch (ignore_user_dictionary=True)"
    )
    if not found:
        raise ModelError(
            f"user dictionary {recorded} of the tokenizer {folder} is missing; its sha256 is "
            f"{recipe.user_dictionary_sha256}; {remedy}"
        )
    path, sha256 = next(iter(found.items()))
    raise ModelError(
        f"user dictionary {path} of the tokenizer {folder} has changed; its sha256 is {sha256}, the tokenizer was made "
        f"with {recipe.user_dictionary_sha256}; {remedy}"
    )
