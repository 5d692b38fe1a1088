"""What a SentencePiece model file says about itself beside its pieces.

The file is a protocol buffer (sentencepiece_model.proto); the few settings wanted here are read from its bytes, so that
neither the protobuf package nor generated classes are needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from korscideberta.errors import ModelError

_MODEL_TYPES = {1: "unigram", 2: "bpe", 3: "word", 4: "char"}

# Field numbers of ModelProto, TrainerSpec and NormalizerSpec.
_TRAINER_SPEC, _NORMALIZER_SPEC = 2, 3
_MODEL_TYPE, _BYTE_FALLBACK = 3, 35
_NORMALIZER_NAME = 1


@dataclass(frozen=True)
class ModelSettings:
    """Settings of a SentencePiece model; `normalizer` is the name of its own character rules."""

    model_type: str
    byte_fallback: bool
    normalizer: str


def model_settings(model: bytes) -> ModelSettings:
    """Read the settings in the bytes of a model file; ModelError where they are no protocol buffer."""
    model_type, byte_fallback, normalizer = 1, 0, ""  # what the format takes for granted
    try:
        for number, content in _fields(model):
            if number == _TRAINER_SPEC and isinstance(content, bytes):
                for inner, value in _fields(content):
                    model_type = value if inner == _MODEL_TYPE and isinstance(value, int) else model_type
                    byte_fallback = value if inner == _BYTE_FALLBACK and isinstance(value, int) else byte_fallback
            elif number == _NORMALIZER_SPEC and isinstance(content, bytes):
                for inner, value in _fields(content):
                    if inner == _NORMALIZER_NAME and isinstance(value, bytes):
                        normalizer = value.decode("utf-8")
    except (IndexError, ValueError) as error:
        raise ModelError(f"the SentencePiece model is damaged: {error}") from None
    return ModelSettings(_MODEL_TYPES.get(model_type, str(model_type)), bool(byte_fallback), normalizer)


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
