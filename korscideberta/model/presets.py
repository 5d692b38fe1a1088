"""Named sizes for models trained from scratch."""

from __future__ import annotations

from typing import Any

from korscideberta.errors import ConfigError
from korscideberta.model.config import DebertaV2Config
from korscideberta.nearest import nearest

_PRESETS: dict[str, dict[str, Any]] = {
    "nano": {
        "num_hidden_layers": 3,
        "hidden_size": 256,
        "num_attention_heads": 4,
        "intermediate_size": 1024,
        "position_buckets": 64,
        "initializer_range": 0.06,
    },
    "small": {
        "num_hidden_layers": 6,
        "hidden_size": 512,
        "num_attention_heads": 8,
        "intermediate_size": 2048,
        "initializer_range": 0.04,
    },
    "base": {},
}
PRESET_NAMES: tuple[str, ...] = tuple(_PRESETS)


def preset(name: str, vocab_size: int, **overrides: Any) -> DebertaV2Config:
    """Settings of a named size over a vocabulary of `vocab_size` pieces.

    `nano` is 3 layers of 256, `small` 6 layers of 512, `base` the released model's 12 layers of 768. `overrides` are
    DebertaV2Config fields. The narrow ones start from weights of about 1 / sqrt(width): with the released model's 0.02
    they learn several times as slowly. An unknown name or field raises ConfigError with the nearest known one.
    """
    if name not in _PRESETS:
        raise ConfigError(f"unknown preset {name!r}; {nearest(name, PRESET_NAMES)}")
    return DebertaV2Config().with_changes(vocab_size=vocab_size, **{**_PRESETS[name], **overrides})
