"""The files of a model folder: settings and weights as they stand there, under foreign names."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from korscideberta.errors import ConfigError, ModelError
from korscideberta.hub import CONFIG_FILES, weight_files
from korscideberta.model.config import DebertaV2Config

_AGAIN = "it is damaged or incomplete; copy it again from its source"


def read_folder(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor], Path]:
    """The settings of a folder, its weights, and the file they (or their table of shards) came from.

    Raises:
        ModelError: a file is missing or damaged. Nothing but tensors and plain values is unpickled.
    """
    missing = ModelError(f"{folder / CONFIG_FILES[0]} is missing; give a folder with config.json and model weights")
    path = next((folder / name for name in CONFIG_FILES if (folder / name).exists()), None)
    if path is None and not any(name.endswith(".bin") for name in weight_files(os.listdir(folder))):
        raise missing
    settings = None if path is None else _read_json(path)
    weights, inside, source = _read_weights(folder)
    settings = inside if settings is None else settings
    if settings is None:
        raise missing
    return settings, weights, source


def config_from(settings: Mapping[str, Any], folder: Path) -> DebertaV2Config:
    """The configuration that a folder's settings describe; ConfigError names the folder's file."""
    name = next((name for name in CONFIG_FILES if (folder / name).exists()), CONFIG_FILES[0])
    try:
        return DebertaV2Config.from_dict(settings)
    except ConfigError as error:
        raise ConfigError(f"{folder / name}: {error}") from None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelError(f"{path} cannot be read ({error}); copy it again from its source") from None
    if not isinstance(values, dict):
        raise ModelError(f"{path} does not hold a JSON object; copy it again from its source")
    return values


def _read_weights(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any] | None, Path]:
    files = weight_files(os.listdir(folder))
    if not files:
        several = len(list(folder.glob("pytorch.model-*.bin")))
        if several:
            raise ModelError(f"{folder} holds {several} checkpoints of one run; move the one to read to its own folder")
        raise ModelError(f"{folder} has neither model.safetensors nor pytorch_model.bin; download the weights into it")
    first = folder / files[0]
    if first.suffix != ".json":
        return (*_tensors(_read_file(first), first), first)
    try:
        shards = sorted(set(json.loads(first.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ModelError(f"{first} cannot be read as an index of shards; copy it again from its source") from None
    weights: dict[str, Tensor] = {}
    for shard in shards:
        weights.update(_tensors(_read_file(folder / shard), folder / shard)[0])
    return weights, None, first


def _read_file(path: Path) -> Any:
    if not path.exists():
        raise ModelError(f"{path} is missing; copy it from its source")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        # Files of torch before 1.6 are not archives and cannot be mapped into memory.
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except Exception as error:  # a damaged file makes the unpickler raise errors of many kinds
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ModelError(f"{path} cannot be read ({reason}); {_AGAIN}") from None


def _tensors(content: Any, path: Path) -> tuple[dict[str, Tensor], dict[str, Any] | None]:
    """The weights of a file and the settings the original implementation can keep beside them."""
    if not isinstance(content, dict):
        raise ModelError(f"{path} does not hold a table of weights; {_AGAIN}")
    settings = content.get("config")
    weights = {name: tensor for name, tensor in content.items() if name != "config"}
    if not weights or not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise ModelError(f"{path} does not hold a table of weights; {_AGAIN}")
    return weights, settings if isinstance(settings, dict) else None
