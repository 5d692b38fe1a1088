"""Building a model from a folder or hub repository."""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from korscideberta.errors import ConfigError, ModelError
from korscideberta.hub import locate
from korscideberta.model.checkpoints import names
from korscideberta.model.checkpoints.eight_bits import check_tensor, pop_quantization
from korscideberta.model.checkpoints.reading import config_from, read_folder
from korscideberta.model.checkpoints.report import UNTRAINED_KEY, LoadReport, digest_of, modules
from korscideberta.model.config import DebertaV2Config
from korscideberta.model.quantized import quantize

if TYPE_CHECKING:
    from korscideberta.model.encoder import PretrainedModel

_log = logging.getLogger(__name__)
Model = TypeVar("Model", bound="PretrainedModel")

_RANDOM = {"kaiming_uniform_", "normal_", "uniform_"}
"""What modules fill their parameters with."""
_HEADED = re.compile(r"Deberta(?:V2)?For(\w+)")


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

    Layers that the file has in 8 bits stay so, for inference on a CPU.

    The masked-language-model head is of the kind the weights are of. Logs one line that says what was loaded, newly
    initialised and ignored; its names at the level DEBUG.

    Args:
        model_class: the bare model or one with a head; the file may be of either kind.
        source: a folder as the package describes, or a hub repository (see `hub.locate`).
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
    settings, weights, file = read_folder(folder)
    recorded = settings.pop(UNTRAINED_KEY, ())
    in_8_bits = pop_quantization(settings, folder)
    stored = config_from(settings, folder)
    kind = names.mlm_head_in(weights, settings)
    if kind is not None:
        stored = stored.with_changes(mlm_head=kind)
    config = _with_labels(stored, num_labels, labels).with_changes(**config_overrides)
    if in_8_bits:
        with torch.device("meta"), _WithoutValues():  # there are no weights to quantize
            model = quantize(model_class(config, attention))  # type: ignore[call-arg]
        model.to_empty(device="cpu")
    else:
        with _WithoutValues():
            model = model_class(config, attention)  # type: ignore[call-arg]
    fresh = config.num_labels != stored.num_labels or _of_another_kind(model_class, settings)
    report = load_weights(model, weights, source=file, fresh_classifier=fresh)
    parts = dict(model.named_modules())
    never = [*modules(report.newly_initialised), *(part for part in recorded if part in parts)]
    model.load_report = dataclasses.replace(
        report, folder=folder, untrained={part: digest_of(model, part) for part in never}
    )
    _tell(source, model.load_report)
    if "classifier.weight" in report.loaded and config.id2label != stored.id2label:
        _log.warning("%s: its classifier was trained for the labels %s", source, ", ".join(stored.id2label[:5]))
    return model.eval()


class _WithoutValues(TorchFunctionMode):
    """Leaves parameters as they are allocated: the weights are to come.

    A model on the device `meta` would take no time to fill either, but as much as a second import of torch: what it has
    for that device stands on its compiler.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", None) in _RANDOM:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def load_weights(
    model: PretrainedModel, weights: Mapping[str, Tensor], *, source: Path | str, fresh_classifier: bool = False
) -> LoadReport:
    """Copy foreign weights into a model, and give fresh ones to the parts of its head they lack.

    Names fit with and without the prefix `deberta.`, whichever the model has, and in any spelling `names` knows.
    `source` names the file in errors; `fresh_classifier` says that the file's classifier is for another task and is not
    to be loaded. Weights of the encoder that are missing, and shapes that differ, raise ModelError.
    """
    found = names.standardise(weights, model.config.num_attention_heads)
    if fresh_classifier:
        for name in [name for name in found.tensors if name.startswith("classifier.")]:
            del found.tensors[name]
    elif "proj.weight" in found.tensors and hasattr(model, "classifier"):
        raise ModelError(
            f"{source}: its classifier has a layer 'proj' before it, the original's for named entities or ReCoRD, "
            "which this package has not; load the encoder as DebertaV2Model"
        )
    used: set[str] = set()
    missing = []
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            standard = names.ENCODER + names.standard_name(name).removeprefix(names.ENCODER)
            standard = standard if standard in found.tensors else names.standard_name(name)
            if standard not in found.tensors:
                missing.append(name)
                continue
            tensor = found.tensors[standard]
            spelled = sorted(found.sources[standard])
            if tensor.shape != parameter.shape:
                raise ModelError(
                    f"{source}: {spelled[0]} has shape {tuple(tensor.shape)}, config.json asks for "
                    f"{tuple(parameter.shape)}; use the config.json that belongs to these weights"
                )
            check_tensor(spelled[0], tensor, parameter, source)
            parameter.copy_(tensor)
            used.update(spelled)
    _refuse_missing_encoder(missing, found, source)
    for part in modules(missing):
        model.initialise(model.get_submodule(part))
    used |= _copies(found)
    return LoadReport(
        loaded=tuple(sorted(used)),
        newly_initialised=tuple(sorted(missing)),
        ignored=tuple(sorted(name for name in weights if name not in used and not name.endswith(".position_ids"))),
    )


def _refuse_missing_encoder(missing: Sequence[str], found: names.Standardised, source: Path | str) -> None:
    headless = not any(name.startswith("lm_predictions.") for name in found.tensors)
    for name in missing:
        standard = names.standard_name(name)
        # The positions of the mask decoder are a part of its head where they are in no other use.
        if not name.startswith(names.HEADS) and not (headless and standard == names.POSITION_TABLE):
            raise ModelError(f"{source} lacks {standard}; it is not a model of the kind its config.json describes")


def _copies(found: names.Standardised) -> set[str]:
    """Names under which a file holds the word embeddings once more, as the decoder they are tied to."""
    decoder, words = found.tensors.get(names.DECODER), found.tensors.get(names.WORD_TABLE)
    same = decoder is not None and words is not None and torch.equal(decoder, words)
    return found.sources[names.DECODER] if same else set()


def _of_another_kind(model_class: type[nn.Module], settings: Mapping[str, Any]) -> bool:
    """Whether the file's classifier answers another kind of question than the model's."""
    stored = [match[1] for name in settings.get("architectures") or () if (match := _HEADED.fullmatch(str(name)))]
    wanted = _HEADED.fullmatch(model_class.__name__)
    return bool(stored) and wanted is not None and wanted[1] != stored[0]


def _with_labels(config: DebertaV2Config, num_labels: int | None, labels: Sequence[str] | None) -> DebertaV2Config:
    if labels is not None:
        if num_labels not in (None, len(labels)):
            raise ConfigError(f"num_labels={num_labels}, but labels holds {len(labels)} names")
        return config.with_labels(labels)
    if num_labels is None or num_labels == config.num_labels:
        return config
    return config.with_labels([f"LABEL_{index}" for index in range(num_labels)])


def _tell(source: str | Path, report: LoadReport) -> None:
    level = logging.WARNING if report.newly_initialised else logging.INFO
    _log.log(level, "%s: %s", source, report.account())
    for what in ("loaded", "newly_initialised", "ignored"):
        _log.debug("%s: %s: %s", source, what, ", ".join(getattr(report, what)) or "none")
