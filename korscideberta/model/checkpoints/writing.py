"""Writing model folders in the Hugging Face and in the original layout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from korscideberta.errors import DataError
from korscideberta.files import replacing, write_json
from korscideberta.model.checkpoints import names
from korscideberta.model.checkpoints.eight_bits import IN_8_BITS
from korscideberta.model.checkpoints.report import UNTRAINED_KEY, untrained_parts
from korscideberta.model.config import DebertaV2Config
from korscideberta.model.quantized import is_quantized

if TYPE_CHECKING:
    from korscideberta.model.encoder import PretrainedModel


def save(model: PretrainedModel, folder: str | Path) -> None:
    """Write config.json and model.safetensors so that this package and transformers read the same model.

    Each file appears whole or not at all. The folder is made when it is missing. transformers has no enhanced mask
    decoder and no replaced-token detection: it reads such a head's weights, or the encoder alone, and computes another
    thing. transformers refuses a model with 8-bit layers. Parts never trained are recorded in config.json.
    """
    weights = {names.standard_name(name): tensor.detach().cpu() for name, tensor in model.state_dict().items()}
    untrained = untrained_parts(model, model.load_report)
    extra: dict[str, Any] = {UNTRAINED_KEY: list(untrained)} if untrained else {}
    if is_quantized(model):
        extra |= IN_8_BITS
    write_transformers(Path(folder), weights, model.config, type(model).__name__, extra)


def write_transformers(
    folder: Path,
    weights: Mapping[str, Tensor],
    config: DebertaV2Config,
    architecture: str,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write standard weights as `model.safetensors` and the configuration as `config.json`.

    `architecture` is the name of the model's class, `extra` further content of config.json. A file that cannot be
    written raises DataError.
    """
    named = {name: tensor.contiguous() for name, tensor in names.transformers_names(weights, config.mlm_head).items()}
    with replacing(folder / "model.safetensors") as temporary:
        temporary.touch()
        mode = temporary.stat().st_mode
        try:
            save_file(named, temporary, metadata={"format": "pt"})
        except SafetensorError as error:
            raise DataError(f"{folder / 'model.safetensors'}: cannot be written ({error})") from None
        temporary.chmod(mode)  # safetensors leaves a file that nobody but its owner may read
    head = {"architectures": [architecture], "dtype": dtype_name(named)}
    write_json(folder / "config.json", {**head, **config.to_dict(), **(extra or {})})


def write_original(
    folder: Path,
    weights: Mapping[str, Tensor],
    config: DebertaV2Config,
    architecture: str,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write standard weights as `pytorch.model.bin` and the configuration as `model_config.json`.

    The original reads a configuration with keys it does not know; label names and the like stay in it, so that nothing
    is lost on the way back.
    """
    values = config.to_dict()
    values["padding_idx"] = values.pop("pad_token_id")
    values["pos_att_type"] = "|".join(values["pos_att_type"])
    values["pooling"] = {
        "hidden_size": values.pop("pooler_hidden_size"),
        "dropout": values.pop("pooler_dropout"),
        "hidden_act": values.pop("pooler_hidden_act"),
    }
    for key in ("model_type", "legacy", "label2id"):
        del values[key]
    with replacing(folder / "pytorch.model.bin") as temporary:
        torch.save({name: tensor.contiguous() for name, tensor in weights.items()}, temporary)
    write_json(folder / "model_config.json", {"architectures": [architecture], **values, **(extra or {})})


def dtype_name(weights: Mapping[str, Tensor]) -> str:
    """The type that most values of the weights have, as config.json spells it; 8-bit numbers are left out."""
    counts: dict[str, int] = {}
    for tensor in weights.values():
        if tensor.dtype == torch.int8:
            continue
        name = str(tensor.dtype).removeprefix("torch.")
        counts[name] = counts.get(name, 0) + tensor.numel()
    return max(counts, key=lambda name: counts[name])
