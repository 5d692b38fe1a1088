"""What became of the weights of a folder, and which parts of a model have never been trained."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from korscideberta.errors import ModelError

UNTRAINED_KEY = "untrained"
"""The key of config.json that lists parts whose weights are as they were initialised."""

_FEW = 4


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """What became of the weights of a folder."""

    loaded: tuple[str, ...]
    """Names in the file that went into the model."""
    newly_initialised: tuple[str, ...]
    """Parts of the head the file does not have, or has for another task; they must be trained."""
    ignored: tuple[str, ...]
    """Names in the file that the model has no place for."""
    folder: Path | None = None
    """Where the files were read; for a hub repository, its copy in the local cache."""
    untrained: Mapping[str, str] = field(default_factory=dict)
    """Parts of the model never trained before, newly initialised or recorded so, and a digest of their weights."""

    def account(self) -> str:
        """What was loaded, newly initialised and ignored, in one line."""
        parts = [f"{len(self.loaded)} weights loaded"]
        if self.newly_initialised:
            parts.append(f"newly initialised and to be trained: {_some(modules(self.newly_initialised))}")
        if self.ignored:
            parts.append(f"{len(self.ignored)} ignored ({_some(modules(self.ignored))})")
        return "; ".join(parts)


def untrained_parts(model: nn.Module, report: LoadReport | None) -> tuple[str, ...]:
    """The parts of a loaded model that had never been trained and have the same weights still."""
    if report is None:
        return ()
    return tuple(part for part, digest in report.untrained.items() if digest_of(model, part) == digest)


def require_trained(model: nn.Module, report: LoadReport | None, source: str | Path) -> None:
    """Refuse a model whose head would answer at random.

    Raises:
        ModelError: a part of it was never trained.
    """
    parts = untrained_parts(model, report)
    if parts:
        raise ModelError(
            f"{source}: its {' and '.join(parts)} {'were' if len(parts) > 1 else 'was'} never trained, so its answers "
            "would be random; train it first with 'korsci train TASK --model …'"
        )


def digest_of(model: nn.Module, part: str) -> str:
    """A digest of the weights that a part of a model holds itself."""
    digest = hashlib.sha256()
    for name, parameter in model.get_submodule(part).named_parameters(recurse=False):
        digest.update(name.encode())
        digest.update(parameter.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
    return digest.hexdigest()


def modules(names: Iterable[str]) -> tuple[str, ...]:
    """The modules that parameters of these names belong to, each once, in order."""
    return tuple(dict.fromkeys(name.rpartition(".")[0] or name for name in names))


def _some(names: tuple[str, ...]) -> str:
    rest = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return ", ".join(names[:_FEW]) + rest
