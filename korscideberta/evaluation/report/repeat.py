"""The command that repeats a run, made from its `run.json`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any

from korscideberta.evaluation.folds import FoldOptions
from korscideberta.training.finetune import DEV_SHARE, ModelChoice
from korscideberta.training.settings import TrainSettings

_ALWAYS = ("model", "epochs", "batch_size", "learning_rate", "seed", "precision")
"""What has a default that depends on the machine or the model, or that anyone will look for."""


def command(record: Mapping[str, Any], *, out: str, whole_paths: bool = False) -> list[str]:
    """Return the words of the `korsci train`, `cv` or `baseline` command that a run's settings amount to.

    Args:
        record: the content of `run.json`.
        out: the folder to write.
        whole_paths: name files by the paths they had; else by their last names, which tell nothing of a machine.
    """
    shown: Callable[[Any], Any] = (lambda value: value) if whole_paths else public
    divided, baseline = "folds" in record, record.get("baseline")
    words = ["korsci", "baseline" if baseline else "cv" if divided else "train", record["task"]]
    if divided:
        named = dict.fromkeys(entry["file"] for files in record["data"].values() for entry in files)
        words += [word for path in named for word in ("--data", shown(path))]
    else:
        entries = [(split, entry["file"]) for split, files in record["data"].items() for entry in files]
        words += [word for split, path in entries for word in (f"--{split}", shown(path))]
    variant = record.get("variant") or {}
    listed = variant.get("taxonomy")
    words += [
        *_option("level", variant.get("level"), None),
        *_option("taxonomy", listed and shown(listed["file"]), None),
    ]
    words += _option("merge_rare", variant.get("merge_rare"), None)
    columns = record.get("columns")
    if columns:
        words += ["--text", ",".join(columns["text"])]
        words += [word for name in ("label", "text_pair", "id") for word in _option(name, columns.get(name), None)]
    if divided:
        words += _named(record, FoldOptions)
    if baseline:
        return [*words, "--kind", baseline["kind"], "--top-k", str(baseline["top_k"]), "--out", out]
    words += _option("dev_share", record.get("dev_share"), DEV_SHARE)
    words += _named({name: shown(value) for name, value in record["model"].items()}, ModelChoice)
    settings = {"seed": record.get("seed"), **record["settings"], "max_length": record.get("max_length")}
    words += _named({name: shown(value) for name, value in settings.items()}, TrainSettings)
    words += _option("max_length", settings["max_length"] or record["model"].get("max_length"), None)
    return [*words, "--device", str(record.get("device", "auto")), "--out", out]


def public(value: Any) -> Any:
    """A setting as anyone may see it: of a path of the machine its last name."""
    return last_name(value) if isinstance(value, str) and PurePath(value).is_absolute() else value


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


def _named(values: Mapping[str, Any], kind: type) -> list[str]:
    """Options of the settings that are not the default ones."""
    words: list[str] = []
    for field in fields(kind):
        if field.name != "max_length":  # what the task made of it is known elsewhere
            default = None if field.name in _ALWAYS else field.default
            words += _option(field.name, values.get(field.name), default)
    return words


def _option(name: str, value: Any, default: Any) -> list[str]:
    if value is None or value == default:
        return []
    option = f"--{name.replace('_', '-')}"
    return [option] if value is True else [option, f"{value}"]
