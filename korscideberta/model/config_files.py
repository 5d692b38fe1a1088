"""Reading config.json of other programs: what their keys are called and what a missing one means to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from korscideberta.errors import ConfigError
from korscideberta.model.config import unknown


def settings(values: Mapping[str, Any], fields: set[str]) -> dict[str, Any]:
    """The values of a file for the named DebertaV2Config fields, with those it leaves out as its program has them.

    Raises ConfigError for an unknown key, another kind of model, and a setting this package does not have.
    """
    model_type = values.get("model_type")
    if model_type is not None and model_type not in _SIZES:
        raise ConfigError(f"model_type={model_type!r} is not supported; {' and '.join(map(repr, _SIZES))} are")
    known = {**_DEFAULTS, **_SIZES.get(model_type, {}), **_original_names(values)}
    for key, value in values.items():
        if key in fields:
            known[key] = value
        elif key in _MUST_BE:
            if value not in _MUST_BE[key]:
                raise ConfigError(f"{key}={value!r} is not supported by this model")
        elif key not in _BOOKKEEPING:
            raise ConfigError(unknown("configuration key", key, sorted(fields | set(_MUST_BE))))
    if "mlm_head" not in values and values.get("legacy") is False:
        known["mlm_head"] = "plain"
    for key, value in _WHEN_NULL.items():
        if known.get(key) is None:
            known[key] = value
    if known["pos_att_type"] in ("none", ["none"]):
        known["pos_att_type"] = ()
    if known["relative_attention"] is False:
        known["norm_rel_ebd"] = "none"  # what would be normed is not there
    if known.get("id2label") is None:
        count = values.get("num_labels")
        known["id2label"] = tuple(f"LABEL_{index}" for index in range(2 if count is None else count))
    return known


# What a file that leaves the setting out asks for, in transformers and in the original implementation alike.
_DEFAULTS: dict[str, Any] = {
    "relative_attention": False,
    "position_buckets": -1,
    "max_relative_positions": -1,
    "norm_rel_ebd": "none",
    "share_att_key": False,
    "pos_att_type": (),
    "position_biased_input": True,
    "id2label": None,
}
# transformers leaves out of a file what equals its own defaults.
_SIZES: dict[str | None, dict[str, Any]] = {
    "deberta-v2": {
        "hidden_size": 1536,
        "num_hidden_layers": 24,
        "num_attention_heads": 24,
        "intermediate_size": 6144,
    },
    "deberta": {"vocab_size": 50265},
}
# What null stands for in a file, where it stands for something.
_WHEN_NULL: dict[str, Any] = {
    "pos_att_type": (),
    "pad_token_id": 0,
    "conv_kernel_size": 0,
    "conv_groups": 1,
    "conv_act": "tanh",
}
# Settings that change the computation and are supported at these values alone.
_MUST_BE: dict[str, tuple[Any, ...]] = {
    "talking_head": (None, False),
    "z_steps": (None, 0),
    "is_decoder": (None, False),
    "is_encoder_decoder": (None, False),
    "add_cross_attention": (None, False),
    "output_attentions": (None, False),
    "output_hidden_states": (None, False),
    "chunk_size_feed_forward": (None, 0),
    "torchscript": (None, False),
}
# Keys other programs write beside the model's settings.
_BOOKKEEPING = frozenset(
    {
        "_attn_implementation",
        "_commit_hash",
        "_name_or_path",
        "architectures",
        "auto_map",
        "bos_token_id",
        "cls_token_id",
        "decoder_start_token_id",
        "dtype",
        "eos_token_id",
        "finetuning_task",
        "label2id",
        "legacy",
        "mask_token_id",
        "model_type",
        "name_or_path",
        "num_labels",
        "padding_idx",
        "pooling",
        "return_dict",
        "sep_token_id",
        "task_specific_params",
        "tokenizer_class",
        "torch_dtype",
        "transformers_version",
        "use_cache",
        "vocab_type",
    }
)


def _original_names(values: Mapping[str, Any]) -> dict[str, Any]:
    renamed: dict[str, Any] = {}
    if "padding_idx" in values:
        renamed["pad_token_id"] = values["padding_idx"]
    pooling = values.get("pooling") or {}
    names = {"hidden_size": "pooler_hidden_size", "dropout": "pooler_dropout", "hidden_act": "pooler_hidden_act"}
    if not isinstance(pooling, Mapping):
        raise ConfigError(f"pooling={pooling!r} must hold hidden_size, dropout and hidden_act")
    for key, value in pooling.items():
        if key not in names:
            raise ConfigError(unknown("pooling key", str(key), sorted(names)))
        renamed[names[key]] = value
    return renamed
