"""What a SentencePiece model file says about itself beside its pieces.

The file is a protocol buffer (sentencepiece_model.proto); the few settings wanted here are read from its bytes, so that
neither the protobuf package nor generated classes are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from korscideberta.errors import ModelError

_MODEL_TYPES = {1: "unigram", 2: "bpe", 3: "word", 4: "char"}


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Settings of a SentencePiece model, with the values that the format takes for granted as defaults."""

    model_type: str = "unigram"
    byte_fallback: bool = False
    space_as_suffix: bool = False
    """The mark of a space stands at the end of a word instead of its beginning."""
    normalizer: str = ""
    """The name of the model's own character rules."""
    character_rules: bytes = b""
    """Those rules: the size of a double-array trie in 4 bytes, the trie, what its entries become."""
    dummy_prefix: bool = True
    """A space is put before every text."""
    single_spaces: bool = True
    """Spaces at either end and repeated ones are dropped."""
    escaped_spaces: bool = True
    """A space is written as U+2581."""


# By field number of ModelProto, the settings in TrainerSpec and NormalizerSpec by theirs: attribute and reading.
_SETTINGS: dict[int, dict[int, tuple[str, Callable[[Any], Any]]]] = {
    2: {
        3: ("model_type", lambda value: _MODEL_TYPES.get(value, str(value))),
        24: ("space_as_suffix", bool),
        35: ("byte_fallback", bool),
    },
    3: {
        1: ("normalizer", lambda value: value.decode("utf-8")),
        2: ("character_rules", bytes),
        3: ("dummy_prefix", bool),
        4: ("single_spaces", bool),
        5: ("escaped_spaces", bool),
    },
}


def model_settings(model: bytes) -> ModelSettings:
    """Read the settings in the bytes of a model file; ModelError where they are no protocol buffer."""
    found: dict[str, Any] = {}
    try:
        for number, spec in _fields(model):
            known = _SETTINGS.get(number)
            if known is not None and isinstance(spec, bytes):
                for inner, value in _fields(spec):
                    if inner in known:
                        name, read = known[inner]
                        found[name] = read(value)
    except (IndexError, ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"the SentencePiece model is damaged: {error}") from None
    return ModelSettings(**found)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message with their numbers: a varint as an integer, anything else as its bytes."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, wire_type = key >> 3, key & 7
        if wire_type == 0:
            value, place = _varint(message, place)
            yield number, value
            continue
        if wire_type == 2:
            length, place = _varint(message, place)
        elif wire_type in (1, 5):
            length = 8 if wire_type == 1 else 4
        else:
            raise ValueError(f"wire type {wire_type} at byte {place}")
        if place + length > len(message):
            raise ValueError(f"a field of {length} bytes at byte {place} passes the end")
        yield number, message[place : place + length]
        place += length


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place += 1
        if byte < 0x80:
            return value, place
        shift += 7
