"""Reading and writing model folders. Every weight name other programs use stands here and nowhere else.

A folder holds `config.json` and the weights: `model.safetensors`, or shards with `model.safetensors.index.json`, or
`pytorch_model.bin`, whole or in shards. Names follow the Hugging Face layout, which the original implementation shares
for the parts this package has.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import pickle
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from korscideberta.errors import ConfigError, DataError, ModelError
from korscideberta.files import replacing, write_json
from korscideberta.hub import locate
from korscideberta.model.config import DebertaV2Config

if TYPE_CHECKING:
    from korscideberta.model.encoder import PretrainedModel

_log = logging.getLogger(__name__)
Model = TypeVar("Model", bound="PretrainedModel")

_ENCODER_PREFIX = "deberta."
_HEAD_PREFIXES = ("pooler.", "classifier.", "qa_outputs.", "lm_head.", "replaced_head.")
# Our name of a parameter, as a pattern, and how other programs spell it.
_FOREIGN = tuple(
    (re.compile(ours), theirs)
    for ours, theirs in (
        (r"^embeddings\.(word|position|token_type)\.", r"embeddings.\1_embeddings."),
        (r"^embeddings\.norm\.", "embeddings.LayerNorm."),
        (r"^embeddings\.projection\.", "embeddings.embed_proj."),
        (r"^encoder\.convolution\.conv\.", "encoder.conv.conv."),
        (r"^encoder\.convolution\.norm\.", "encoder.conv.LayerNorm."),
        (r"^encoder\.relative\.", "encoder.rel_embeddings."),
        (r"^encoder\.norm\.", "encoder.LayerNorm."),
        (r"^encoder\.layers\.(\d+)\.attention\.(\w+)\.", r"encoder.layer.\1.attention.self.\2_proj."),
        (r"^encoder\.layers\.(\d+)\.attention_output\.dense\.", r"encoder.layer.\1.attention.output.dense."),
        (r"^encoder\.layers\.(\d+)\.attention_output\.norm\.", r"encoder.layer.\1.attention.output.LayerNorm."),
        (r"^encoder\.layers\.(\d+)\.intermediate\.", r"encoder.layer.\1.intermediate.dense."),
        (r"^encoder\.layers\.(\d+)\.output\.dense\.", r"encoder.layer.\1.output.dense."),
        (r"^encoder\.layers\.(\d+)\.output\.norm\.", r"encoder.layer.\1.output.LayerNorm."),
        (r"^lm_head\.norm\.", "lm_predictions.lm_head.LayerNorm."),
        (r"^lm_head\.", "lm_predictions.lm_head."),
        (r"^replaced_head\.norm\.", "mask_predictions.LayerNorm."),
        (r"^replaced_head\.", "mask_predictions."),
    )
)


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """What became of the weights of a folder."""

    loaded: tuple[str, ...]
    """Names in the file that went into the model."""
    newly_initialised: tuple[str, ...]
    """Parts of the head the file does not have, or has for other labels; they must be trained."""
    ignored: tuple[str, ...]
    """Names in the file that the model has no place for."""
    folder: Path | None = None
    """Where the files were read; for a hub repository, its copy in the local cache."""


def foreign_name(name: str) -> str:
    """Our parameter name in the Hugging Face and original spelling; the prefix `deberta.` stays as it is."""
    prefix, rest = (_ENCODER_PREFIX, name[len(_ENCODER_PREFIX) :]) if name.startswith(_ENCODER_PREFIX) else ("", name)
    for ours, theirs in _FOREIGN:
        renamed, changed = ours.subn(theirs, rest)
        if changed:
            return prefix + renamed
    return name


def load(
    model_class: type[Model],
    source: str | Path,
    *,
    revision: str | None = None,
    num_labels: int | None = None,
    labels: Sequence[str] | None = None,
    attention: str = "auto",
    **config_overrides: Any,
) -> Model:
    """Build the model of a folder or hub repository and load its weights, in float32 and evaluation mode.

    Args:
        model_class: the bare model or one with a head; the file may be of either kind.
        source: a folder as the module describes, or a hub repository (see `hub.locate`).
        revision: a branch, tag or commit of the repository.
        num_labels: labels of the new task; another count than the file's gives a fresh classifier.
        labels: their names instead, in the order of the logits.
        attention: the implementation, one of `ATTENTION_NAMES`.
        config_overrides: DebertaV2Config fields to change, dropout rates for example.

    Returns:
        The model, what was loaded in its `load_report`.

    Raises:
        ModelError: a file is missing or damaged, or weights are missing or have another shape than config.json says.
        ConfigError: config.json or an argument holds an impossible value.
    """
    folder = locate(source, "model", revision=revision)
    stored = read_config(folder)
    config = _with_labels(stored, num_labels, labels).with_changes(**config_overrides)
    weights, file = read_weights(folder)
    with torch.device("meta"):
        model = model_class(config, attention)  # type: ignore[call-arg]
    model.to_empty(device="cpu")
    report = load_weights(model, weights, source=file, other_labels=config.num_labels != stored.num_labels)
    model.load_report = dataclasses.replace(report, folder=folder)
    _log_report(model.load_report, source)
    if (
        model.load_report.loaded
        and "classifier.weight" in model.load_report.loaded
        and config.id2label != stored.id2label
    ):
        _log.warning("%s: its classifier was trained for the labels %s", source, ", ".join(stored.id2label[:5]))
    return model.eval()


def save(model: PretrainedModel, folder: str | Path) -> None:
    """Write config.json and model.safetensors so that this package and transformers read the same model.

    Each file appears whole or not at all. The folder is made when it is missing. A file that cannot be written raises
    DataError.
    """
    folder = Path(folder)
    weights = {foreign_name(name): tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    with replacing(folder / "model.safetensors") as temporary:
        try:
            save_file(weights, temporary, metadata={"format": "pt"})
        except SafetensorError as error:
            raise DataError(f"{folder / 'model.safetensors'}: cannot be written ({error})") from None
    dtype = str(next(iter(weights.values())).dtype).removeprefix("torch.")
    architecture = {"architectures": [type(model).__name__], "dtype": dtype}
    write_json(folder / "config.json", {**architecture, **model.config.to_dict()})


def read_config(folder: str | Path) -> DebertaV2Config:
    """The configuration of a model folder. Missing or damaged: ModelError; impossible values: ConfigError."""
    path = Path(folder) / "config.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path} is missing; give a folder with config.json and model weights") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelError(f"{path} cannot be read ({error}); copy it again from its source") from None
    if not isinstance(values, dict):
        raise ModelError(f"{path} does not hold a JSON object; copy it again from its source")
    try:
        return DebertaV2Config.from_dict(values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def read_weights(folder: str | Path) -> tuple[dict[str, Tensor], Path]:
    """All weights of a folder under their foreign names, and the file they (or their index) came from.

    Missing or damaged files raise ModelError. Nothing but tensors is unpickled.
    """
    folder = Path(folder)
    for name in ("model.safetensors", "pytorch_model.bin"):
        path = folder / name
        if path.exists():
            return _read_file(path), path
        index = folder / f"{name}.index.json"
        if index.exists():
            return _read_shards(index), index
    raise ModelError(f"{folder} has neither model.safetensors nor pytorch_model.bin; download the weights into it")


def load_weights(
    model: nn.Module, weights: Mapping[str, Tensor], *, source: Path | str, other_labels: bool = False
) -> LoadReport:
    """Copy foreign weights into a model, and give fresh ones to the parts of its head they lack.

    Names fit with and without the prefix `deberta.`, whichever the model has. `source` names the file in errors;
    `other_labels` says that the classifier is for another task and is not to be loaded. Weights of the encoder that
    are missing, and shapes that differ, raise ModelError.
    """
    parameters = dict(model.named_parameters())
    found: dict[str, str] = {}
    for name in parameters:
        theirs = foreign_name(name)
        bare = theirs.removeprefix(_ENCODER_PREFIX)
        spellings = (theirs, bare, _ENCODER_PREFIX + bare)
        spelled = next((spelling for spelling in spellings if spelling in weights), None)
        if spelled is not None and not (other_labels and name.startswith("classifier.")):
            found[name] = spelled
    missing = [name for name in parameters if name not in found]
    for name in missing:
        if not name.startswith(_HEAD_PREFIXES):
            raise ModelError(
                f"{source} lacks {foreign_name(name)}; it is not a model of the kind its config.json describes"
            )
    for name, spelled in found.items():
        if weights[spelled].shape != parameters[name].shape:
            raise ModelError(
                f"{source}: {spelled} has shape {tuple(weights[spelled].shape)}, config.json asks for "
                f"{tuple(parameters[name].shape)}; use the config.json that belongs to these weights"
            )
    for part in {name.rpartition(".")[0] for name in missing}:
        model.initialise(model.get_submodule(part))  # type: ignore[operator]
    with torch.no_grad():
        for name, spelled in found.items():
            parameters[name].copy_(weights[spelled])
    used = set(found.values())
    return LoadReport(
        loaded=tuple(sorted(used)),
        newly_initialised=tuple(sorted(missing)),
        ignored=tuple(sorted(name for name in weights if name not in used)),
    )


def _with_labels(config: DebertaV2Config, num_labels: int | None, labels: Sequence[str] | None) -> DebertaV2Config:
    if labels is not None:
        if num_labels not in (None, len(labels)):
            raise ConfigError(f"num_labels={num_labels}, but labels holds {len(labels)} names")
        return config.with_labels(labels)
    if num_labels is None or num_labels == config.num_labels:
        return config
    return config.with_labels([f"LABEL_{index}" for index in range(num_labels)])


def _read_file(path: Path) -> dict[str, Tensor]:
    remedy = "it is damaged or incomplete; download it again"
    try:
        if path.suffix == ".safetensors":
            weights = load_file(path)
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except FileNotFoundError:
        raise ModelError(f"{path} is missing; download it") from None
    except (SafetensorError, OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(f"{path} cannot be read ({reason}); {remedy}") from None
    if not isinstance(weights, dict) or not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise ModelError(f"{path} does not hold a table of weights; {remedy}")
    return weights


def _read_shards(index: Path) -> dict[str, Tensor]:
    try:
        shards = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ModelError(f"{index} cannot be read as an index of shards; download it again") from None
    weights: dict[str, Tensor] = {}
    for shard in shards:
        weights.update(_read_file(index.parent / shard))
    return weights


def _log_report(report: LoadReport, folder: str | Path) -> None:
    _log.info("%s: loaded %d weights, ignored %d", folder, len(report.loaded), len(report.ignored))
    if report.newly_initialised:
        _log.warning("%s: %s newly initialised; train before use", folder, ", ".join(report.newly_initialised))
