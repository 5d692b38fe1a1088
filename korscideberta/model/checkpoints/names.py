"""Names of weights: ours, and those of transformers and of the original implementation in all their spellings.

Foreign names are first brought to one spelling, here called standard: that of the original's second version, which
transformers' DeBERTa-v2 shares, with the prefix `deberta.` before the encoder.
"""

# Shapes: H heads, E head size, D hidden

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

ENCODER = "deberta."
POSITION_TABLE = "deberta.embeddings.position_embeddings.weight"
WORD_TABLE = "deberta.embeddings.word_embeddings.weight"
HEADS = ("pooler.", "classifier.", "qa_outputs.", "lm_head.", "replaced_head.")
"""How our parameters of heads begin."""

_LM_HEAD = "lm_predictions.lm_head."
DECODER = f"{_LM_HEAD}decoder.weight"
"""The table of transformers' old masked-language-model head, where it is not tied to the word embeddings."""
_Rules = tuple[tuple[re.Pattern[str], str], ...]


def _rules(*pairs: tuple[str, str]) -> _Rules:
    return tuple((re.compile(pattern), name) for pattern, name in pairs)


# Our name of a parameter, without the prefix of the encoder, and the standard one.
_OURS = _rules(
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
    (r"^lm_head\.norm\.", f"{_LM_HEAD}LayerNorm."),
    (r"^lm_head\.", _LM_HEAD),
    (r"^replaced_head\.norm\.", "mask_predictions.LayerNorm."),
    (r"^replaced_head\.", "mask_predictions."),
)
# Other spellings and the standard one, applied one after another.
_SPELLINGS = _rules(
    (r"^module\.", ""),  # left there by data-parallel training
    (r"^bert\.", ENCODER),
    (r"^(embeddings|encoder)\.", rf"{ENCODER}\1."),
    (r"\.gamma$", ".weight"),
    (r"\.beta$", ".bias"),
    (r"\.attention\.self\.pos_proj\.", ".attention.self.pos_key_proj."),
    (r"\.attention\.self\.pos_q_proj\.", ".attention.self.pos_query_proj."),
    (r"\.attention\.self\.q_bias$", ".attention.self.query_proj.bias"),
    (r"\.attention\.self\.v_bias$", ".attention.self.value_proj.bias"),
    (r"^cls\.predictions\.transform\.", _LM_HEAD),
    (r"^cls\.predictions\.decoder\.weight$", DECODER),
    (r"^cls\.predictions\.(decoder\.)?bias$", f"{_LM_HEAD}bias"),
)
# transformers' old head of the masked language model. Its decoder adds the bias under the decoder's name, which is the
# other one too unless the decoder has a table of its own.
_LEGACY = _rules(
    (rf"^{re.escape(_LM_HEAD)}(dense|LayerNorm)\.", r"cls.predictions.transform.\1."),
    (rf"^{re.escape(_LM_HEAD)}", "cls.predictions."),
)
_LAYER_WEIGHT = re.compile(r"(^|\.)encoder\.layer\.\d+\.(attention\.self\.\w+_proj|([\w.]+\.)?dense)\.weight$")
_FUSED = "in_proj.weight"
_KNOWN = re.compile(
    rf"({re.escape(ENCODER)})?(embeddings\.(word_|position_|token_type_)embeddings|embeddings\.(LayerNorm|embed_proj)"
    r"|encoder\.(rel_embeddings|LayerNorm|conv|layer\.\d+))\.|(pooler|classifier|qa_outputs|mask_predictions)\."
    rf"|{re.escape(_LM_HEAD)}"
)


@dataclass(frozen=True)
class Standardised:
    """Weights under standard names."""

    tensors: dict[str, Tensor]
    sources: dict[str, set[str]]
    """By standard name, what it was called in the file; several where the file holds it twice or in one with others."""


def standard_name(ours: str) -> str:
    """The standard name of one of our parameters; the encoder's prefix is kept as it is."""
    prefix, rest = (ENCODER, ours[len(ENCODER) :]) if ours.startswith(ENCODER) else ("", ours)
    for pattern, standard in _OURS:
        renamed, changed = pattern.subn(standard, rest)
        if changed:
            return prefix + renamed
    return ours


def standardise(weights: Mapping[str, Tensor], heads: int) -> Standardised:
    """Bring the names of a file to the standard ones, and version 1's projections from one tensor to three.

    Version 1 has no bias for keys and position keys: zeros stand for them. A name that is not known stays. `heads` is
    the number of attention heads.
    """
    result = Standardised({}, {})

    def add(name: str, tensor: Tensor, source: str) -> None:
        result.tensors[name] = tensor
        result.sources.setdefault(name, set()).add(source)

    for source, tensor in weights.items():
        name = source
        for pattern, standard in _SPELLINGS:
            name = pattern.sub(standard, name)
        if name.endswith(".position_ids"):
            continue  # 0, 1, 2, …: a constant that older versions of transformers store
        if name.endswith(f".{_FUSED}"):
            prefix = name.removesuffix(_FUSED)
            for part, split in zip(("query", "key", "value"), _split(tensor, heads), strict=True):
                add(f"{prefix}{part}_proj.weight", split, source)
            add(f"{prefix}key_proj.bias", tensor.new_zeros(tensor.shape[0] // 3), source)
        elif source.endswith("cls.predictions.bias") and f"{_LM_HEAD}bias" in result.tensors:
            result.sources[name].add(source)  # the decoder's own came first, and it is the one that is added
        else:
            add(name, tensor, source)
        if source.endswith(".pos_proj.weight"):
            add(name.removesuffix("weight") + "bias", tensor.new_zeros(tensor.shape[0]), source)
    return result


def mlm_head_in(names: Iterable[str], settings: Mapping[str, object]) -> str | None:
    """Which masked-language-model head a file holds, by its names and its config.json; None if it holds none.

    The table of absolute positions tells the original's mask decoder, which adds it, from transformers' new head of the
    same names, where it has no place unless it is added to the input.
    """
    names = set(names)
    if any(name.startswith("cls.predictions.") for name in names):
        return "legacy"
    if not any(name.removeprefix("module.").startswith(_LM_HEAD) for name in names):
        return None
    recorded = settings.get("mlm_head")
    if recorded in ("emd", "plain"):
        return str(recorded)
    return "emd" if any(name.endswith("embeddings.position_embeddings.weight") for name in names) else "plain"


def transformers_names(weights: Mapping[str, Tensor], mlm_head: str) -> dict[str, Tensor]:
    """Standard names to those of transformers' DeBERTa-v2, with the head of the masked language model as it is."""
    if mlm_head != "legacy":
        return dict(weights)
    named = {}
    for name, tensor in weights.items():
        for pattern, legacy in _LEGACY:
            name = pattern.sub(legacy, name)
        named[name] = tensor
    if "cls.predictions.decoder.weight" in named:
        named["cls.predictions.decoder.bias"] = named["cls.predictions.bias"].clone()
    return named


def is_standard(name: str) -> bool:
    """Whether a standard name is one of a model that this package has, with or without the encoder's prefix."""
    return _KNOWN.match(name) is not None


def is_layer_weight(name: str) -> bool:
    """Whether a standard name is that of the matrix of a linear map in one of the encoder's layers."""
    return _LAYER_WEIGHT.search(name) is not None


def _split(fused: Tensor, heads: int) -> list[Tensor]:
    """(3 * H * E, D), by head its query, key and value, to three of (H * E, D)."""
    by_head = fused.view(heads, -1, fused.shape[-1])
    return [part.flatten(0, 1).contiguous() for part in torch.chunk(by_head, 3, dim=1)]
