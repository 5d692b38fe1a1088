"""Which number format a model answers in on a CPU: as asked for, or as a measurement on this machine says."""

from __future__ import annotations

import copy
import csv
import hashlib
import json
import logging
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from korscideberta._version import __version__
from korscideberta.cpu import has_bf16_unit, has_int8_product
from korscideberta.data.cache import cache_folder
from korscideberta.errors import ConfigError, DataError
from korscideberta.files import write_json
from korscideberta.model.encoder import PretrainedModel
from korscideberta.model.quantized import is_quantized, quantize
from korscideberta.precision import INFERENCE_PRECISIONS, autocast, resolve_precision
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

_log = logging.getLogger(__name__)

MOST_ERROR = 0.2
"""A format is not chosen where it moves a logit further, which is up to a factor 1.5 in the odds of two labels."""
MOST_SHARE = 0.1
"""Nor where it moves one by more than this share of the logits' standard deviation."""
_WORTH = 1.15
"""How many times as fast as float32 a format must be to be chosen."""
_FEWEST_WEIGHTS = 10_000_000
"""A model with fewer in its layers answers in float32, which is fast enough for it to forgo a measurement."""
_ROWS, _TOKENS, _ROUNDS = 4, 128, 2


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What a format did with a few texts."""

    seconds: float
    """The faster of the rounds."""
    error: float = 0.0
    """The furthest that a logit was from float32's."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The trials of a model on this machine, by the format's name, and the standard deviation of float32's logits."""

    trials: dict[str, Trial]
    spread: float

    @property
    def bound(self) -> float:
        """How far a logit may be from float32's."""
        return min(MOST_ERROR, MOST_SHARE * self.spread)

    def chosen(self) -> str:
        """The fastest format within the bound, float32 unless it is clearly faster."""
        base = self.trials["float32"].seconds
        worth = {
            name: trial.seconds
            for name, trial in self.trials.items()
            if trial.error <= self.bound and trial.seconds * _WORTH <= base
        }
        return min(worth, key=lambda name: worth[name], default="float32")

    def account(self) -> str:
        """What was chosen and why, in a line."""
        base = self.trials["float32"].seconds
        told = [
            f"{name} {base / trial.seconds:.2f} times as fast as float32, logits off by {trial.error:.2g}"
            for name, trial in self.trials.items()
            if name != "float32"
        ]
        return f"--precision auto: {self.chosen()} ({'; '.join(told)}; bounds: {_WORTH} and {self.bound:.2g})"


def settle(
    model: PretrainedModel, tokenizer: DebertaV2Tokenizer, name: str, device: torch.device
) -> tuple[PretrainedModel, str]:
    """Return the model, with 8-bit layers where the precision is int8, and the precision it is to be run in.

    Args:
        model: the model, on its device.
        tokenizer: its tokenizer.
        name: one of `INFERENCE_PRECISIONS`; `auto` on a CPU measures once for each machine and model.
        device: where the model is.

    Raises:
        ConfigError: an unknown name, or one that does not go with the device or the model.
    """
    if name not in INFERENCE_PRECISIONS:
        raise ConfigError(f"--precision {name}: use one of {', '.join(INFERENCE_PRECISIONS)}")
    if is_quantized(model):
        if name not in ("auto", "int8"):
            raise ConfigError(f"--precision {name}: this model's weights are int8; use int8 or auto")
        if device.type != "cpu":
            raise ConfigError(f"this model's weights are int8, which runs on a CPU, not on {device}; use --device cpu")
        return model, "int8"
    if name == "int8":
        return quantize(model), "int8"
    if name != "auto" or device.type != "cpu":
        return model, resolve_precision(name, device)
    formats = [name for name, there in (("bf16", has_bf16_unit()), ("int8", has_int8_product())) if there]
    if not formats or _layer_weights(model) < _FEWEST_WEIGHTS:
        return model, "float32"
    measured = _known(model, lambda: measure(model, _sample_rows(tokenizer), formats))
    _log.info("%s", measured.account())
    chosen = measured.chosen()
    return (quantize(model) if chosen == "int8" else model), chosen


def measure(model: PretrainedModel, rows: Sequence[Sequence[int]], formats: Sequence[str]) -> Measured:
    """Run the model on rows of piece ids in float32 and in each format."""
    id_T = torch.tensor([piece for row in rows for piece in row])
    start_B = torch.tensor([0, *(len(row) for row in rows[:-1])]).cumsum(0)
    wanted, seconds = _timed(model, "float32", id_T, start_B)
    trials = {"float32": Trial(seconds=seconds)}
    for name in formats:
        # The weights that stay as they are serve both models.
        other = model if name != "int8" else quantize(copy.deepcopy(model, {id(x): x for x in model.parameters()}))
        found, seconds = _timed(other, name, id_T, start_B)
        trials[name] = Trial(seconds=seconds, error=float((found - wanted).abs().max()))
    return Measured(trials=trials, spread=float(wanted.std()))


def _timed(model: Any, name: str, id_T: Tensor, start_B: Tensor) -> tuple[Tensor, float]:
    answers = {"answers": 1} if type(model).__name__.endswith("MultipleChoice") else {}
    seconds = []
    with torch.inference_mode(), autocast(name, id_T.device):
        for _ in range(_ROUNDS):
            begin = time.perf_counter()
            logits: Tensor = model(id_T, starts=start_B, **answers).logits.float()
            seconds.append(time.perf_counter() - begin)
    return logits, min(seconds)


def _sample_rows(tokenizer: DebertaV2Tokenizer) -> list[list[int]]:
    """The first sample papers as piece ids."""
    table = files("korscideberta.data.samples").joinpath("papers.csv").read_text(encoding="utf-8")
    texts = [" ".join(row.values()) for row in islice(csv.DictReader(StringIO(table)), _ROWS)]
    return [list(tokenizer.encode(text))[:_TOKENS] for text in texts]


def _layer_weights(model: PretrainedModel) -> int:
    return sum(
        module.weight.numel()
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and ".layers." in f".{name}"
    )


def _known(model: PretrainedModel, measured: Callable[[], Measured]) -> Measured:
    """What was measured before for this machine and model, or is measured now and kept."""
    path = cache_folder() / "precision" / f"{_key(model)}.json"
    if (found := _read(path)) is not None:
        return found
    _log.info("--precision auto: trying the number formats of this CPU, once for this model")
    result = measured()
    try:
        write_json(path, asdict(result))
    except DataError as error:
        _log.warning("the measurement is not kept: %s", error)
    return result


def _read(path: Path) -> Measured | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        trials = {name: Trial(**trial) for name, trial in content["trials"].items()}
        found = Measured(trials=trials, spread=float(content["spread"]))
        found.account()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ZeroDivisionError):
        return None
    return found


def _key(model: PretrainedModel) -> str:
    """A digest of what decides the measurement: machine, threads, versions, and some of each of the weights."""
    machine = (
        platform.node(), platform.machine(), torch.backends.cpu.get_cpu_capability(), torch.get_num_threads(),
        torch.__version__, __version__,
    )  # fmt: skip
    digest = hashlib.sha256(repr(machine).encode())
    for name, parameter in model.named_parameters():
        digest.update(f"{name} {tuple(parameter.shape)}".encode())
        digest.update(parameter.detach().flatten()[:256].float().numpy().tobytes())
    return digest.hexdigest()
