"""What fixes a DeBERTa-v2 model: one frozen dataclass, read from and written to `config.json`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from korscideberta.errors import ConfigError
from korscideberta.nearest import nearest

POSITION_TERMS = ("c2p", "p2c")
PROBLEM_TYPES = ("single_label_classification", "multi_label_classification", "regression")
ACTIVATIONS = ("gelu", "relu", "tanh")


@dataclass(frozen=True, kw_only=True)
class DebertaV2Config:
    """Shapes and rates of one model; the defaults are the released KorSciDeBERTa model.

    Built in code, a missing setting has the released model's value. Read from a file with `from_dict`, it has the
    value transformers and the original implementation give it, which differs (no relative attention, for one).
    Impossible values raise ConfigError.
    """

    vocab_size: int = 128100
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    attention_head_size: int | None = None
    """Width of one head; None is hidden_size / num_attention_heads, and nothing else fits the output projection."""
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 0
    relative_attention: bool = True
    position_buckets: int = 256
    """Half the height of the relative table: rows cover buckets in [-buckets, buckets); -1 is one row per offset."""
    max_relative_positions: int = -1
    """Largest offset told apart from its neighbours; below 1 it is max_position_embeddings."""
    norm_rel_ebd: str = "layer_norm"
    share_att_key: bool = True
    """Project the relative table with the content's query and key projections instead of its own."""
    pos_att_type: tuple[str, ...] = ("p2c", "c2p")
    position_biased_input: bool = False
    """Add absolute position embeddings to the word embeddings."""
    layer_norm_eps: float = 1e-7
    initializer_range: float = 0.02
    pad_token_id: int = 0
    pooler_hidden_size: int | None = None
    """Width of the pooler; None is hidden_size, and nothing else fits its input."""
    pooler_dropout: float = 0.0
    pooler_hidden_act: str = "gelu"
    cls_dropout: float | None = None
    """Dropout before the classifier; None is hidden_dropout_prob."""
    problem_type: str | None = None
    """Loss of a classification head; None is regression for one label and single_label_classification otherwise."""
    id2label: tuple[str, ...] = ("LABEL_0", "LABEL_1")
    """Label names in the order of the logits; a mapping from index to name is accepted."""

    def __post_init__(self) -> None:
        set_field = object.__setattr__  # the dataclass is frozen, and spellings are unified only here
        set_field(self, "pos_att_type", _position_terms(self.pos_att_type))
        set_field(self, "id2label", _label_names(self.id2label))
        for name in (
            "vocab_size",
            "hidden_size",
            "num_hidden_layers",
            "num_attention_heads",
            "intermediate_size",
            "max_position_embeddings",
        ):
            _check_int(name, getattr(self, name), minimum=1)
        _check_int("type_vocab_size", self.type_vocab_size, minimum=0)
        _check_int("position_buckets", self.position_buckets)
        _check_int("max_relative_positions", self.max_relative_positions)
        _check_int("pad_token_id", self.pad_token_id, minimum=0)
        for name in ("relative_attention", "share_att_key", "position_biased_input"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name}={getattr(self, name)!r} must be true or false")
        for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "pooler_dropout", "cls_dropout"):
            _check_rate(name, getattr(self, name), optional=name == "cls_dropout")
        for name in ("layer_norm_eps", "initializer_range"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
                raise ConfigError(f"{name}={value!r} must be a positive number")
        _check_choice("hidden_act", self.hidden_act, ACTIVATIONS)
        _check_choice("pooler_hidden_act", self.pooler_hidden_act, ACTIVATIONS)
        _check_choice("norm_rel_ebd", self.norm_rel_ebd, ("layer_norm", "none"))
        if self.problem_type is not None:
            _check_choice("problem_type", self.problem_type, PROBLEM_TYPES)
        self._check_shapes()
        self._check_positions()

    def _check_shapes(self) -> None:
        if self.hidden_size % self.num_attention_heads:
            raise ConfigError(
                f"hidden_size={self.hidden_size} does not split over num_attention_heads={self.num_attention_heads}"
            )
        if self.attention_head_size not in (None, self.head_size):
            raise ConfigError(
                f"attention_head_size={self.attention_head_size} times num_attention_heads={self.num_attention_heads} "
                f"must be hidden_size={self.hidden_size}"
            )
        if self.pooler_hidden_size not in (None, self.hidden_size):
            raise ConfigError(
                f"pooler_hidden_size={self.pooler_hidden_size} must be hidden_size={self.hidden_size}: "
                "the pooler reads the first token's hidden state"
            )
        if self.pad_token_id >= self.vocab_size:
            raise ConfigError(f"pad_token_id={self.pad_token_id} is outside vocab_size={self.vocab_size}")

    def _check_positions(self) -> None:
        if not self.relative_attention:
            if self.pos_att_type:
                raise ConfigError(
                    f"pos_att_type={'|'.join(self.pos_att_type)} needs relative_attention=true; else leave it empty"
                )
            if self.norm_rel_ebd != "none":
                raise ConfigError(f"norm_rel_ebd={self.norm_rel_ebd} needs relative_attention=true; else it is none")
            return
        if not self.pos_att_type:
            raise ConfigError("relative_attention=true needs pos_att_type: c2p, p2c or both")
        if self.position_buckets in (0, 1):
            raise ConfigError(f"position_buckets={self.position_buckets} must be at least 2, or -1 for none")
        if self.position_buckets > 1 and self.position_span - 1 <= self.position_buckets // 2:
            raise ConfigError(
                f"position_buckets={self.position_buckets} leaves no offsets to bucket within "
                f"{self.position_span} positions; it must be below {2 * (self.position_span - 1)}, or -1 for none"
            )

    @property
    def head_size(self) -> int:
        """E, the width of one attention head."""
        return self.hidden_size // self.num_attention_heads

    @property
    def num_labels(self) -> int:
        """How many logits a classification head has."""
        return len(self.id2label)

    @property
    def position_span(self) -> int:
        """Positions the logarithmic buckets reach: max_relative_positions, or max_position_embeddings when unset."""
        return self.max_relative_positions if self.max_relative_positions >= 1 else self.max_position_embeddings

    @property
    def relative_rows(self) -> int:
        """R, the height of the relative table; 0 without relative attention."""
        if not self.relative_attention:
            return 0
        return 2 * (self.position_buckets if self.position_buckets > 0 else self.position_span)

    @property
    def classifier_dropout(self) -> float:
        """Dropout rate before the classifier."""
        return self.hidden_dropout_prob if self.cls_dropout is None else self.cls_dropout

    @property
    def resolved_problem_type(self) -> str:
        """The loss a classification head uses, with problem_type None decided by the number of labels."""
        if self.problem_type is not None:
            return self.problem_type
        return "regression" if self.num_labels == 1 else "single_label_classification"

    def with_labels(self, labels: Sequence[str]) -> DebertaV2Config:
        """The same model with other label names, in the order of the logits. Repeated names raise ConfigError."""
        return dataclasses.replace(self, id2label=tuple(labels))

    def with_changes(self, **changes: Any) -> DebertaV2Config:
        """The same model with other values for the named fields. An unknown field raises ConfigError."""
        fields = [field.name for field in dataclasses.fields(self)]
        for name in changes:
            if name not in fields:
                raise ConfigError(_unknown("setting", name, fields))
        return dataclasses.replace(self, **changes)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DebertaV2Config:
        """Read a config.json in the Hugging Face or the original layout.

        A missing setting means what it means to transformers, not this class's default. An unknown key, and a setting
        that asks for a part this package does not have, raise ConfigError.
        """
        values = dict(values)
        model_type = values.get("model_type", "deberta-v2")
        if model_type != "deberta-v2":
            raise ConfigError(f"model_type={model_type!r} is not supported; only 'deberta-v2' is")
        known = {**_FILE_DEFAULTS, **(_HF_SIZES if "model_type" in values else {})}
        known.update(_original_names(values))
        num_labels = values.pop("num_labels", None)
        hidden_size = values.get("hidden_size", known.get("hidden_size", cls.hidden_size))
        fields = {field.name for field in dataclasses.fields(cls)}
        for key, value in values.items():
            if key in fields:
                known[key] = value
            elif key in _MUST_BE:
                if value not in _MUST_BE[key]:
                    raise ConfigError(f"{key}={value!r} is not supported by this model")
            elif key == "embedding_size":
                if value not in (None, hidden_size):
                    raise ConfigError(f"embedding_size={value} must be hidden_size={hidden_size}; it is not factored")
            elif key not in _BOOKKEEPING:
                raise ConfigError(_unknown("configuration key", key, sorted(fields | set(_MUST_BE))))
        if known.get("pos_att_type") is None:
            known["pos_att_type"] = ()
        if known.get("id2label") is None:
            known["id2label"] = tuple(f"LABEL_{index}" for index in range(2 if num_labels is None else num_labels))
        if known.get("pad_token_id") is None:
            known["pad_token_id"] = 0
        config = cls(**known)
        if num_labels is not None and num_labels != config.num_labels:
            raise ConfigError(f"num_labels={num_labels} differs from the {config.num_labels} names in id2label")
        return config

    def to_dict(self) -> dict[str, Any]:
        """The Hugging Face layout, complete, so that transformers and `from_dict` read the same model from it."""
        values = dataclasses.asdict(self)
        values["attention_head_size"] = self.head_size
        values["pooler_hidden_size"] = self.hidden_size
        values["pos_att_type"] = list(self.pos_att_type)
        values["id2label"] = {str(index): name for index, name in enumerate(self.id2label)}
        values["label2id"] = {name: index for index, name in enumerate(self.id2label)}
        return {"model_type": "deberta-v2", **values}


# What a file that leaves the setting out asks for, in transformers and in the original implementation alike.
_FILE_DEFAULTS: dict[str, Any] = {
    "relative_attention": False,
    "position_buckets": -1,
    "max_relative_positions": -1,
    "norm_rel_ebd": "none",
    "share_att_key": False,
    "pos_att_type": (),
    "position_biased_input": True,
    "id2label": None,
}
# transformers leaves out of a file what equals its own defaults, the sizes of the 24-layer model.
_HF_SIZES: dict[str, Any] = {
    "hidden_size": 1536,
    "num_hidden_layers": 24,
    "num_attention_heads": 24,
    "intermediate_size": 6144,
}
# Settings that change the computation and are supported at these values alone.
_MUST_BE: dict[str, tuple[Any, ...]] = {
    "conv_kernel_size": (None, 0),
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
        "conv_act",
        "conv_groups",
        "decoder_start_token_id",
        "dtype",
        "eos_token_id",
        "finetuning_task",
        "label2id",
        "legacy",
        "mask_token_id",
        "model_type",
        "name_or_path",
        "padding_idx",
        "pooling",
        "return_dict",
        "sep_token_id",
        "task_specific_params",
        "tie_word_embeddings",
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
            raise ConfigError(_unknown("pooling key", str(key), sorted(names)))
        renamed[names[key]] = value
    return renamed


def _position_terms(value: Any) -> tuple[str, ...]:
    terms = value.split("|") if isinstance(value, str) else value
    if not isinstance(terms, (list, tuple)) or not all(isinstance(term, str) for term in terms):
        raise ConfigError(f"pos_att_type={value!r} must be a list such as ['p2c', 'c2p'] or the text 'p2c|c2p'")
    terms = tuple(term.strip().lower() for term in terms if term.strip())
    for term in terms:
        _check_choice("pos_att_type", term, POSITION_TERMS)
    if len(set(terms)) < len(terms):
        raise ConfigError(f"pos_att_type={value!r} names a term twice")
    return terms


def _label_names(value: Any) -> tuple[str, ...]:
    if isinstance(value, Mapping):
        try:
            by_index = {int(index): name for index, name in value.items()}
        except (TypeError, ValueError):
            raise ConfigError("id2label: keys must be the indices 0, 1, 2 …") from None
        if sorted(by_index) != list(range(len(by_index))):
            raise ConfigError(f"id2label: indices must run from 0 to {len(by_index) - 1} without gaps")
        value = [by_index[index] for index in range(len(by_index))]
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ConfigError(f"id2label={value!r} must be a list of names or a mapping from index to name")
    names = tuple(str(name) for name in value)
    if not names:
        raise ConfigError("id2label is empty; a head needs at least one label")
    repeated = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if repeated:
        raise ConfigError(f"id2label names {repeated[0]!r} more than once")
    return names


def _check_int(name: str, value: Any, minimum: int | None = None) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"{name}={value!r} must be a whole number")
    if minimum is not None and value < minimum:
        raise ConfigError(f"{name}={value} must be at least {minimum}")


def _check_rate(name: str, value: Any, *, optional: bool) -> None:
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise ConfigError(f"{name}={value!r} must be a rate in [0, 1)")


def _check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ConfigError(_unknown(name, str(value), choices))


def _unknown(what: str, found: str, known: Sequence[str]) -> str:
    return f"unknown {what} {found!r}; {nearest(found, known)}"
