"""The model a run of pretraining begins with, and the corpus it reads."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from korscideberta.errors import ConfigError, DataError, ModelError
from korscideberta.hub import SHIPPED_MODELS, can_be_located
from korscideberta.model.config import DebertaV2Config
from korscideberta.model.encoder import PretrainedModel
from korscideberta.model.presets import PRESET_NAMES, preset
from korscideberta.nearest import nearest
from korscideberta.pretraining.cleaning import Cleaning
from korscideberta.pretraining.documents import DocumentFormat
from korscideberta.pretraining.prepare import prepared_corpus
from korscideberta.pretraining.settings import PretrainSettings
from korscideberta.pretraining.shards import PreparedCorpus
from korscideberta.pretraining.work import PrepareSettings
from korscideberta.tokenization.corpus import CorpusFormat, find_corpus
from korscideberta.tokenization.extension import extend_tokenizer
from korscideberta.tokenization.fingerprint import recorded_fingerprint, refuse_difference
from korscideberta.tokenization.processes import cpu_count
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

Model = TypeVar("Model", bound=PretrainedModel)


@dataclass(frozen=True, kw_only=True)
class CorpusChoice:
    """What a run reads: a prepared corpus, or files that are prepared for it."""

    data: Path | None = None
    corpus: tuple[str, ...] = ()
    document: str = "line"
    field: str = "text"
    skip_bad: bool = False
    tokenizer: str | None = None
    """A folder or hub repository; None is the prepared corpus's own or the model's."""
    allow_tokenizer_mismatch: bool = False
    extend_vocabulary: Path | None = None
    """Words, one a line, that are to have a piece each; of files that are prepared here."""


@dataclass(frozen=True, kw_only=True)
class OpenCorpus:
    """A corpus with its tokenizer."""

    corpus: PreparedCorpus
    tokenizer: DebertaV2Tokenizer
    base: DebertaV2Tokenizer
    """What the tokenizer was before its vocabulary was extended; else the same."""
    parts: dict[int, list[int]]
    """The new pieces and the old ones they consist of."""


def is_new(model: str) -> bool:
    """Whether a model of that name is trained from scratch: a shape, or a file of settings."""
    return model in PRESET_NAMES or model.endswith(".json")


def check_model(model: str) -> None:
    """Raise ModelError for a name that is no shape, settings file, folder, model of this package or repository."""
    if is_new(model) or can_be_located(model):
        return
    raise ModelError(
        f"--model {model}: neither a shape to train from scratch, nor a JSON file of settings, nor a model folder, nor "
        f"a model of this package, nor a hub repository (OWNER/NAME); "
        f"{nearest(model, (*PRESET_NAMES, *SHIPPED_MODELS))}"
    )


def open_corpus(choice: CorpusChoice, model: str, folder: Path, progress: Callable[[int, int], None]) -> OpenCorpus:
    """The corpus and its tokenizer; files that are not prepared yet are, into `folder`.

    Raises ConfigError where neither or both are named, DataError where the corpus is damaged, ModelError where its
    tokenizer is not the one it was prepared with.
    """
    if (choice.data is None) == (not choice.corpus):
        raise ConfigError(
            "give either --data, a folder that 'korsci pretrain prepare' made, or --corpus, files of text"
        )
    if choice.extend_vocabulary is not None and (choice.data is not None or is_new(model)):
        raise ConfigError("--extend-vocabulary goes with --corpus and a --model to go on with")
    parts: dict[int, list[int]] = {}
    if choice.data is not None:
        corpus = PreparedCorpus.open(choice.data)
        base = tokenizer = _tokenizer(choice.tokenizer or corpus.tokenizer_folder, choice)
    else:
        if choice.tokenizer is None and is_new(model):
            raise ConfigError(f"--corpus with --model {model}, a new model: name its --tokenizer too")
        base = tokenizer = _tokenizer(choice.tokenizer or model, choice)
        if choice.extend_vocabulary is not None:
            extension = extend_tokenizer(base, _words(choice.extend_vocabulary))
            tokenizer, parts = extension.tokenizer, extension.parts
        corpus = _prepared(choice, folder, tokenizer, progress)
    refuse_difference(
        corpus.index["tokenizer"],
        tokenizer.fingerprint(),
        owner=f"the corpus {corpus.folder}",
        allowed=choice.allow_tokenizer_mismatch,
    )
    # Once a machine is enough.
    if int(os.environ.get("LOCAL_RANK", 0)) == 0:
        corpus.verify()
    return OpenCorpus(corpus=corpus, tokenizer=tokenizer, base=base, parts=parts)


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"--extend-vocabulary {path}: cannot be read ({error})") from None


def _prepared(
    choice: CorpusChoice, folder: Path, tokenizer: DebertaV2Tokenizer, progress: Callable[[int, int], None]
) -> PreparedCorpus:
    reading = CorpusFormat(field=choice.field, skip_bad=choice.skip_bad)
    settings = PrepareSettings(
        form=DocumentFormat(reading=reading, document=choice.document),
        cleaning=Cleaning(),
    )
    return prepared_corpus(
        find_corpus(choice.corpus), folder, tokenizer, settings, workers=cpu_count(), on_reading=progress
    )


def _tokenizer(source: str | Path, choice: CorpusChoice) -> DebertaV2Tokenizer:
    return DebertaV2Tokenizer.from_pretrained(source, allow_mismatch=choice.allow_tokenizer_mismatch)


def load_model(
    model_class: type[Model],
    model: str,
    tokenizer: DebertaV2Tokenizer,
    settings: PretrainSettings,
    *,
    attention: str = "auto",
    allow_mismatch: bool = False,
    part: str | None = None,
) -> Model:
    """A model of `model_class` with the weights that `model` names, or a new one; `part` as for `new_config`.

    Raises ModelError where the model was trained with another tokenizer, or has no embedding for each of its tokens;
    ConfigError where its rows are to be longer than it has positions.
    """
    built: Model
    if is_new(model):
        built = model_class(new_config(model, tokenizer, part), attention)  # type: ignore[call-arg]
    else:
        built = model_class.from_pretrained(model, attention=attention)
        refuse_difference(
            recorded_fingerprint(model), tokenizer.fingerprint(), owner=f"--model {model}", allowed=allow_mismatch
        )
    if len(tokenizer) > built.config.vocab_size:
        raise ModelError(
            f"--model {model}: {built.config.vocab_size} embeddings for a tokenizer of {len(tokenizer)} pieces; "
            "use the tokenizer the model was trained with"
        )
    if settings.max_length > built.config.max_position_embeddings:
        raise ConfigError(
            f"--max-length {settings.max_length}: --model {model} has {built.config.max_position_embeddings} positions"
        )
    if settings.gradient_checkpointing:
        built.gradient_checkpointing_enable()
    return built


def new_config(model: str, tokenizer: DebertaV2Tokenizer, part: str | None = None) -> DebertaV2Config:
    """The settings of a new model over a tokenizer's vocabulary.

    `part` is `generator` or `discriminator` of replaced-token detection: in a file the object of that name; of a named
    shape the generator has half the layers, as in the original experiments.

    Raises DataError where the file cannot be read.
    """
    pad = tokenizer.pad_token_id
    if model in PRESET_NAMES:
        config = preset(model, len(tokenizer), pad_token_id=pad)
        if part == "generator":
            config = config.with_changes(num_hidden_layers=max(1, config.num_hidden_layers // 2))
        return config
    values = read_settings(Path(model))
    if part is not None:
        if not isinstance(values.get(part), dict):
            raise DataError(f"{model}: has no object {part!r}; it needs 'generator' and 'discriminator'")
        values = values[part]
    return DebertaV2Config.from_dict({**values, "vocab_size": len(tokenizer), "pad_token_id": pad})


def recorded_sharing(model: str) -> str:
    """How a file of both models of replaced-token detection shares embeddings (its `embedding_sharing`); else gdes."""
    if not model.endswith(".json"):
        return "gdes"
    sharing = str(read_settings(Path(model)).get("embedding_sharing", "gdes")).lower()
    return "none" if sharing == "nes" else sharing


def read_settings(path: Path) -> dict[str, Any]:
    """The object in a JSON file; DataError where there is none."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as JSON ({error})") from None
    if not isinstance(values, dict):
        raise DataError(f"{path}: holds no JSON object")
    return values
