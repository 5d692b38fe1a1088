"""The command that repeats a run, made from its `run.json`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import fields
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from korscideberta.model.presets import PRESET_NAMES
from korscideberta.training.finetune import ModelChoice
from korscideberta.training.settings import TrainSettings

_ALWAYS = ("epochs", "batch_size", "learning_rate", "seed", "precision")
"""Settings whose default depends on the machine or the model, or that anyone will look for."""
_PATHS = ("tokenizer", "user_dictionary")


def command(record: Mapping[str, Any], *, out: str, whole_paths: bool = False) -> list[str]:
    """Return the words of the `korsci train` command that a run's settings amount to.

    Args:
        record: the content of `run.json`.
        out: the run directory to write.
        whole_paths: name files by the paths they had; else by their last names, which tell nothing of a machine.
    """

    def shown(path: str) -> str:
        return path if whole_paths else last_name(path)

    words = ["korsci", "train", record["task"]]
    for split, files in record["data"].items():
        words += [word for entry in files for word in (f"--{split}", shown(entry["file"]))]
    columns = record.get("columns")
    if columns:
        words += ["--text", ",".join(columns["text"])]
        words += [word for name in ("label", "text_pair", "id") for word in _option(name, columns.get(name), None)]
    model = {name: shown(value) if name in _PATHS and value else value for name, value in record["model"].items()}
    if not record.get("model_commit") and model["model"] not in PRESET_NAMES:
        model["model"] = shown(model["model"])
    settings = dict(record["settings"])
    if settings.get("class_weights"):
        settings["class_weights"] = shown(settings["class_weights"])
    words += _named(model, ModelChoice, ("model",))
    words += ["--max-length", str(record["max_length"])]
    words += _named(settings, TrainSettings, _ALWAYS)
    return [*words, "--device", str(record.get("device", "auto")), "--out", out]


def command_line(words: list[str]) -> str:
    """Join the words as a shell reads them, an option a line."""
    lines = [" ".join(words[:3])]
    for word in words[3:]:
        if word.startswith("--"):
            lines.append(word)
        else:
            lines[-1] += f" {shlex.quote(word)}"
    return " \\\n  ".join(lines)


def last_name(path: str) -> str:
    """Return the last part of a path of any system."""
    return PureWindowsPath(PurePosixPath(path).name).name


def _named(values: Mapping[str, Any], kind: type, always: tuple[str, ...]) -> list[str]:
    """Options of the settings that are not the default ones."""
    words: list[str] = []
    for field in fields(kind):
        if field.name != "max_length":  # the record has the resolved one elsewhere
            default = None if field.name in always else field.default
            words += _option(field.name, values.get(field.name), default)
    return words


def _option(name: str, value: Any, default: Any) -> list[str]:
    if value is None or value == default:
        return []
    option = f"--{name.replace('_', '-')}"
    return [option] if value is True else [option, f"{value}"]
