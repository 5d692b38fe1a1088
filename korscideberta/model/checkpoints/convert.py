"""From one layout to another, value by value: no model is built, and no weight is lost or made."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from korscideberta.errors import ConfigError, ModelError
from korscideberta.files import replacing
from korscideberta.hub import CONFIG_FILES
from korscideberta.model.checkpoints import names
from korscideberta.model.checkpoints.eight_bits import IN_8_BITS, pop_quantization, quantized_tensors
from korscideberta.model.checkpoints.reading import config_from, read_folder
from korscideberta.model.checkpoints.report import UNTRAINED_KEY
from korscideberta.model.checkpoints.writing import dtype_name, write_original, write_transformers
from korscideberta.model.config import DebertaV2Config
from korscideberta.nearest import nearest

LAYOUTS: dict[str, Callable[..., None]] = {"hf": write_transformers, "original": write_original}
DTYPES = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
INT8 = "int8"

_NO_ORIGINAL = {
    "DebertaV2ForQuestionAnswering": "no question-answering model",
    "DebertaV2ForTokenClassification": "a further layer before the classifier of its named-entity model",
}


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """What a conversion did."""

    kind: str
    """The class of the model."""
    weights: int
    """How many weights were written."""
    dtype: str
    """The types of their values."""
    split: tuple[str, ...]
    """Names of weights that became several."""
    unknown: tuple[str, ...]
    """Names that stayed as they were, this package having no such weight."""
    files: tuple[str, ...]
    """Further files that were copied."""


def convert(source: Path, target: Path, *, to: str, dtype: str | None = None) -> Conversion:
    """Write the model of a folder in another layout into a new folder, with the files beside it.

    Args:
        source: a folder in any layout that is read.
        target: a folder that is empty or not there.
        to: `hf` or `original`.
        dtype: `float32`, `bf16`, `fp16` or, for this package alone, `int8`, which is the linear maps of the layers in 8
            bits and all else in float32; None keeps the values as they are.

    Raises:
        ConfigError: an unknown layout or type, or the target holds something.
        ModelError: the source is damaged or in 8 bits, or the layout cannot express its head.
    """
    for option, value, known in (("--to", to, LAYOUTS), ("--dtype", dtype, (*DTYPES, INT8))):
        if value is not None and value not in known:
            raise ConfigError(f"{option} {value}: {nearest(value, known)}")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"{target} already holds something; name an empty folder or one that is not there")
    if dtype == INT8 and to != "hf":
        raise ConfigError(f"--dtype int8 goes with --to hf; the layout {to} has no 8-bit weights")
    settings, weights, _ = read_folder(source)
    if pop_quantization(settings, source):
        raise ModelError(f"{source}: its weights are int8 already; convert the model it was made of")
    extra: dict[str, Any] = {UNTRAINED_KEY: settings.pop(UNTRAINED_KEY)} if UNTRAINED_KEY in settings else {}
    config = config_from(settings, source)
    kind = names.mlm_head_in(weights, settings)
    if kind is not None:
        config = config.with_changes(mlm_head=kind)
    found = names.standardise(weights, config.num_attention_heads)
    architecture = _architecture(settings, found.tensors)
    if to == "original":
        _refuse_for_original(architecture, config, kind)
    tensors = found.tensors
    if dtype is not None:
        tensors = {name: _cast(x, DTYPES.get(dtype, torch.float32)) for name, x in tensors.items()}
    if dtype == INT8:
        tensors = quantized_tensors(tensors)
        extra |= IN_8_BITS
    if not any(name.startswith((names.ENCODER, "bert.", "module.")) for name in weights):
        tensors = {name.removeprefix(names.ENCODER): tensor for name, tensor in tensors.items()}
    LAYOUTS[to](target, tensors, config, architecture, extra)
    sources: dict[str, int] = {}
    for standard in found.sources.values():
        for name in standard:
            sources[name] = sources.get(name, 0) + 1
    return Conversion(
        kind=architecture,
        weights=len(tensors),
        dtype=dtype_name(tensors) if dtype != INT8 else "int8 in the layers and float32 elsewhere",
        split=tuple(sorted(name for name, count in sources.items() if count > 1)),
        unknown=tuple(sorted(name for name in found.tensors if not names.is_standard(name))),
        files=_copy_others(source, target),
    )


def _architecture(settings: dict[str, Any], tensors: dict[str, Tensor]) -> str:
    """The class that a folder is of: the one it names, else the one whose head it has."""
    for name in settings.get("architectures") or ():
        if str(name).startswith("Deberta"):
            return str(name).replace("Deberta", "DebertaV2").replace("V2V2", "V2")
    heads = {
        "mask_predictions.": "ForReplacedTokenDetection",
        "lm_predictions.": "ForMaskedLM",
        "qa_outputs.": "ForQuestionAnswering",
        "pooler.": "ForSequenceClassification",
        "classifier.": "ForTokenClassification",
    }
    for prefix, head in heads.items():
        if any(name.startswith(prefix) for name in tensors):
            return f"DebertaV2{head}"
    return "DebertaV2Model"


def _refuse_for_original(architecture: str, config: DebertaV2Config, mlm_head: str | None) -> None:
    remedy = "for its encoder alone, save it first with DebertaV2Model.from_pretrained(…).save_pretrained(…)"
    if architecture in _NO_ORIGINAL:
        raise ModelError(f"the original implementation has {_NO_ORIGINAL[architecture]}; {remedy}")
    if mlm_head in ("plain", "legacy") and not config.position_biased_input:
        raise ModelError(
            f"this masked-language-model head ({mlm_head}) reads the last hidden states, and the original would run "
            f"its mask decoder instead, to other logits; {remedy}"
        )


def _cast(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    cast = tensor.to(dtype)
    if cast.isinf().any() and not tensor.isinf().any():
        raise ConfigError(
            f"--dtype: a weight of {float(tensor.abs().max()):.3g} is beyond {dtype}; use bf16 or float32"
        )
    return cast


def _copy_others(source: Path, target: Path) -> tuple[str, ...]:
    """Copy what stands beside the model: everything but configuration, weights and the card of the source."""
    model = {*CONFIG_FILES, "README.md", ".gitattributes"}
    endings = (".safetensors", ".bin", ".index.json", ".h5", ".msgpack", ".ot", ".onnx", ".zip", ".pt")
    copied = []
    for path in sorted(source.iterdir()):
        if path.is_file() and path.name not in model and not path.name.endswith(endings):
            with replacing(target / path.name) as temporary:
                shutil.copyfile(path, temporary)
            copied.append(path.name)
    return tuple(copied)
