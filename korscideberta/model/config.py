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
ACTIVATIONS = ("gelu", "relu", "tanh", "swish", "sigmoid", "linear")
MLM_HEADS = ("emd", "plain", "legacy")


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
    """Width of one head; None is hidden_size / num_attention_heads."""
    embedding_size: int | None = None
    """Width of the word embeddings, projected to hidden_size where it differs; None is hidden_size."""
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
    conv_kernel_size: int = 0
    """Tokens a convolution beside the first layer sees at once, an odd number; 0 is no convolution."""
    conv_groups: int = 1
    conv_act: str = "tanh"
    layer_norm_eps: float = 1e-7
    initializer_range: float = 0.02
    pad_token_id: int = 0
    pooler_hidden_size: int | None = None
    """Width of the pooler; None is hidden_size, and nothing else fits its input."""
    pooler_dropout: float = 0.0
    pooler_hidden_act: str = "gelu"
    cls_dropout: float | None = None
    """Dropout before the classifier; None is hidden_dropout_prob."""
    mlm_head: str = "emd"
    """What predicts masked pieces: `emd`, the original's enhanced mask decoder; `plain`, the last hidden states through
    the same head, transformers' new one; `legacy`, transformers' old one, which differs in name and in the next field.
    """
    tie_word_embeddings: bool = True
    """Whether a legacy head compares with the word embeddings; if not, it has a table of its own. Others always do."""
    problem_type: str | None = None
    """Loss of a classification head; None is regression for one label and single_label_classification otherwise."""
    id2label: tuple[str, ...] = ("LABEL_0", "LABEL_1")
    """Label names in the order of the logits; a mapping from index to name is accepted."""
    label_parents: tuple[int, ...] | None = None
    """Where labels have levels, the index of each label's parent, which is below its own, or -1 of one at the top."""

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
        for name in ("attention_head_size", "embedding_size", "pooler_hidden_size"):
            if getattr(self, name) is not None:
                _check_int(name, getattr(self, name), minimum=1)
        _check_int("type_vocab_size", self.type_vocab_size, minimum=0)
        _check_int("conv_kernel_size", self.conv_kernel_size, minimum=0)
        _check_int("conv_groups", self.conv_groups, minimum=1)
        _check_int("position_buckets", self.position_buckets)
        _check_int("max_relative_positions", self.max_relative_positions)
        _check_int("pad_token_id", self.pad_token_id, minimum=0)
        for name in ("relative_attention", "share_att_key", "position_biased_input", "tie_word_embeddings"):
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
        _check_choice("conv_act", self.conv_act, ACTIVATIONS)
        _check_choice("mlm_head", self.mlm_head, MLM_HEADS)
        _check_choice("norm_rel_ebd", self.norm_rel_ebd, ("layer_norm", "none"))
        if self.problem_type is not None:
            _check_choice("problem_type", self.problem_type, PROBLEM_TYPES)
        if self.label_parents is not None:
            set_field(self, "label_parents", tuple(self.label_parents))
            self._check_parents()
        self._check_shapes()
        self._check_positions()

    def _check_parents(self) -> None:
        parents = self.label_parents or ()
        for index, parent in enumerate(parents):
            _check_int("label_parents", parent)
            if not -1 <= parent < index:
                raise ConfigError(f"label_parents: label {index} has the parent {parent}, not one before it or -1")
        if len(parents) != self.num_labels:
            raise ConfigError(f"label_parents names {len(parents)} parents for {self.num_labels} labels")

    def _check_shapes(self) -> None:
        if self.attention_head_size is None and self.hidden_size % self.num_attention_heads:
            raise ConfigError(
                f"hidden_size={self.hidden_size} does not split over num_attention_heads={self.num_attention_heads}; "
                "set attention_head_size"
            )
        if self.conv_kernel_size and self.conv_kernel_size % 2 == 0:
            raise ConfigError(
                f"conv_kernel_size={self.conv_kernel_size} must be odd, so that every token has as many neighbours on "
                "each side, or 0 for no convolution"
            )
        if self.conv_kernel_size and self.hidden_size % self.conv_groups:
            raise ConfigError(f"hidden_size={self.hidden_size} does not split over conv_groups={self.conv_groups}")
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
        return self.attention_head_size or self.hidden_size // self.num_attention_heads

    @property
    def embedding_width(self) -> int:
        """Width of the word embeddings."""
        return self.embedding_size or self.hidden_size

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
        """The same model with other labels, of one level, in logit order. Repeated names raise ConfigError."""
        return dataclasses.replace(self, id2label=tuple(labels), label_parents=None)

    def with_changes(self, **changes: Any) -> DebertaV2Config:
        """The same model with other values for the named fields. An unknown field raises ConfigError."""
        fields = [field.name for field in dataclasses.fields(self)]
        for name in changes:
            if name not in fields:
                raise ConfigError(unknown("setting", name, fields))
        return dataclasses.replace(self, **changes)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DebertaV2Config:
        """Read a config.json of transformers (DeBERTa or DeBERTa-v2) or the original implementation.

        A missing setting means what it means there, not this class's default. An unknown key, and a setting that asks
        for a part this package does not have, raise ConfigError.
        """
        from korscideberta.model import config_files

        config = cls(**config_files.settings(values, {field.name for field in dataclasses.fields(cls)}))
        num_labels = values.get("num_labels")
        if num_labels not in (None, config.num_labels):
            raise ConfigError(f"num_labels={num_labels} differs from the {config.num_labels} names in id2label")
        return config

    def to_dict(self) -> dict[str, Any]:
        """The Hugging Face layout, complete, so that transformers and `from_dict` read the same model from it."""
        values = dataclasses.asdict(self)
        if self.label_parents is None:
            del values["label_parents"]
        values["attention_head_size"] = self.head_size
        values["embedding_size"] = self.embedding_width
        values["pooler_hidden_size"] = self.hidden_size
        values["legacy"] = self.mlm_head == "legacy"
        values["pos_att_type"] = list(self.pos_att_type)
        values["id2label"] = {str(index): name for index, name in enumerate(self.id2label)}
        values["label2id"] = {name: index for index, name in enumerate(self.id2label)}
        return {"model_type": "deberta-v2", **values}


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
        raise ConfigError(unknown(name, str(value), choices))


def unknown(what: str, found: str, known: Sequence[str]) -> str:
    """What an error says of a name that is not known, with the nearest one that is."""
    return f"unknown {what} {found!r}; {nearest(found, known)}"
