"""A whole fine-tuning run: data, tokenizer and model in, run directory out."""

from __future__ import annotations

import json
import logging
import platform
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from korscideberta._version import __version__
from korscideberta.data.encoding import EncodedExample, check_labels, encode_examples
from korscideberta.data.examples import SPLITS, Columns, Example, label_set
from korscideberta.data.splits import hold_out, splits_in
from korscideberta.errors import ConfigError, DataError, ModelError
from korscideberta.files import file_sha256, write_json
from korscideberta.hub import commit_of, is_repository
from korscideberta.inference import predict_logits
from korscideberta.metrics.summary import summarise
from korscideberta.model.heads import DebertaV2ForSequenceClassification
from korscideberta.model.presets import PRESET_NAMES, preset
from korscideberta.nearest import nearest
from korscideberta.predictions import write_predictions
from korscideberta.run import RunDirectory
from korscideberta.tasks import Task
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.tokenization.train import train_tokenizer
from korscideberta.training.loop import train
from korscideberta.training.settings import TrainSettings

logger = logging.getLogger(__name__)

DEV_SHARE = 0.1


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a run's data come from and how they are read."""

    files: dict[str, tuple[Path, ...]]
    """Files by split; a split without files is left out."""
    columns: Columns | None = None


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """What a run starts from."""

    model: str = "nano"
    """A folder in Hugging Face layout, a hub repository, or the name of a shape to train from scratch."""
    tokenizer: Path | None = None
    """A folder or hub repository; None takes the model's own or, from scratch, trains one on the training texts."""
    engine: str | None = None
    """Morphological analyser; None takes the tokenizer's own."""
    vocab_size: int = 8000
    """Size of a tokenizer trained here."""
    max_length: int | None = None
    """Limit in tokens; None is the task's default."""
    cls_dropout: float | None = None
    attention: str = "auto"


def find_files(task: Task, given: Mapping[str, Sequence[Path]]) -> dict[str, tuple[Path, ...]]:
    """Return the files of each split: those given, or the task's sample.

    A training file with a `split` column also serves the splits for which no file was given.

    Raises:
        ConfigError: no training file, and the task ships no sample.
    """
    files = {split: tuple(given[split]) for split in SPLITS if given.get(split)}
    if "train" not in files:
        if task.sample is None or files:
            raise ConfigError(f"--train is missing; 'korsci tasks' tells which columns a file for {task.name} has")
        logger.info("no --train: the sample papers of the package are used; they illustrate, they measure nothing")
        files["train"] = (task.sample,)
    for split in splits_in(files["train"]):
        files.setdefault(split, files["train"])
    return {split: files[split] for split in SPLITS if split in files}


def read_split(task: Task, source: Source, split: str) -> list[Example]:
    """Read and concatenate the files of one split.

    Raises:
        DataError: a file is broken, or a row has no label.
    """
    examples: list[Example] = []
    several = len(source.files[split]) > 1
    for path in source.files[split]:
        rows = task.read(path, source.columns, split, True)
        # Row numbers start anew in each file, so ids get the file's name where there are several.
        examples += [replace(example, id=f"{path.stem}:{example.id}") for example in rows] if several else rows
    return examples


def read_splits(task: Task, source: Source, seed: int) -> dict[str, list[Example]]:
    """Read every split; without dev data a tenth of the training rows is held back, the same for the same seed."""
    examples = {split: read_split(task, source, split) for split in source.files}
    if "dev" not in examples:
        logger.info("no --dev: a tenth of the training rows is held back to select the checkpoint")
        train_rows, dev_rows = hold_out(examples["train"], DEV_SHARE, seed)
        examples = {"train": train_rows, "dev": dev_rows, **{k: v for k, v in examples.items() if k == "test"}}
    return examples


def fine_tune(
    task: Task,
    source: Source,
    choice: ModelChoice,
    settings: TrainSettings,
    run: RunDirectory,
    *,
    device: torch.device,
    overwrite: bool = False,
    resume: bool = False,
) -> dict[str, dict[str, float]]:
    """Train, evaluate every split beyond train, and return the figures that `metrics.json` now holds.

    Raises:
        KorsciError: anything the user can mend; nothing has been written when data, options or model are at fault.
    """
    run.check(overwrite=overwrite, resume=resume)
    examples = read_splits(task, source, settings.seed)
    labels = task.labels or _learnt_labels(examples["train"], source)
    for rows in examples.values():
        check_labels(rows, labels)
    top_k = min(settings.top_k, len(labels))
    _check_model(choice)
    texts = [text for example in examples["train"] for text in (example.text, example.text_pair) if text is not None]
    tokenizer = _load_tokenizer(choice, texts, run if resume else None)
    torch.manual_seed(settings.seed)
    model = _load_model(choice, labels, tokenizer)
    max_length = min(choice.max_length or task.max_length, model.config.max_position_embeddings)
    encoded = {split: encode_examples(rows, tokenizer, labels, max_length) for split, rows in examples.items()}
    counts = _label_counts(encoded["train"], len(labels))
    record = _record(task, source, choice, settings, tokenizer, labels, counts, max_length, device, _commit(model))
    if resume:
        _refuse_changes(run, record)
    run.begin(overwrite=overwrite)
    write_json(run.settings_file, record)
    tokenizer.save_pretrained(run.model)
    model.to(device)
    trained = sum(parameter.numel() for parameter in model.parameters())
    logger.info(
        "%s: %s examples, %d labels, %.1f M parameters, %s on %s",
        task.name,
        " + ".join(f"{len(rows):,} {split}" for split, rows in examples.items()),
        len(labels),
        trained / 1e6,
        settings.precision,
        device,
    )

    def logits_of(split: str) -> Any:
        return predict_logits(
            model,
            encoded[split],
            pad_token_id=tokenizer.pad_token_id,
            batch_size=settings.eval_batch_size,
            precision=settings.precision,
            progress=f"evaluate {split}",
        )

    def figures_of(split: str, logits: Any) -> dict[str, float]:
        return summarise(task.score, logits, [example.gold for example in encoded[split]], top_k, counts)

    train(
        model,
        encoded["train"],
        settings=settings,
        run=run,
        pad_token_id=tokenizer.pad_token_id,
        num_labels=len(labels),
        evaluate=lambda: figures_of("dev", logits_of("dev")),
        metric=task.metric,
        save_model=lambda: model.save_pretrained(run.model),
        resume=resume,
    )
    model = DebertaV2ForSequenceClassification.from_pretrained(run.model, attention=choice.attention).to(device)
    figures = {}
    for split in examples:
        if split == "train":
            continue
        logits = logits_of(split)
        figures[split] = figures_of(split, logits)
        write_predictions(run.predictions(split), examples[split], logits, labels, top_k)
    run.write_metrics(figures)
    return figures


def _learnt_labels(examples: Sequence[Example], source: Source) -> tuple[str, ...]:
    labels = label_set(examples)
    if len(labels) < 2:
        raise DataError(
            f"{source.files['train'][0]}: every row has the label {labels[0]!r}; "
            "a classifier needs at least two different labels, check --label"
        )
    return labels


def _check_model(choice: ModelChoice) -> None:
    if choice.model not in PRESET_NAMES and not Path(choice.model).is_dir() and not is_repository(choice.model):
        raise ModelError(
            f"--model {choice.model}: neither a model folder, nor a hub repository (OWNER/NAME), nor a shape to train "
            f"from scratch; {nearest(choice.model, PRESET_NAMES)}"
        )


def _load_tokenizer(choice: ModelChoice, texts: Sequence[str], resumed: RunDirectory | None) -> DebertaV2Tokenizer:
    """Return the tokenizer of the run that is resumed, the one chosen, the model's own, or one trained on `texts`."""
    if resumed is not None:
        return DebertaV2Tokenizer.from_pretrained(resumed.model)
    if choice.tokenizer is None and choice.model in PRESET_NAMES:
        logger.info("training a tokenizer of %d pieces on the training texts", choice.vocab_size)
        with tempfile.TemporaryDirectory() as folder:
            return train_tokenizer(texts, Path(folder), vocab_size=choice.vocab_size, engine=choice.engine or "mecab")
    return DebertaV2Tokenizer.from_pretrained(choice.tokenizer or choice.model, engine=choice.engine)


def _load_model(
    choice: ModelChoice, labels: tuple[str, ...], tokenizer: DebertaV2Tokenizer
) -> DebertaV2ForSequenceClassification:
    dropout: dict[str, Any] = {} if choice.cls_dropout is None else {"cls_dropout": choice.cls_dropout}
    if choice.model in PRESET_NAMES:
        config = preset(choice.model, len(tokenizer), pad_token_id=tokenizer.pad_token_id, **dropout)
        return DebertaV2ForSequenceClassification(config.with_labels(labels), attention=choice.attention)
    model = DebertaV2ForSequenceClassification.from_pretrained(
        choice.model, labels=labels, attention=choice.attention, **dropout
    )
    if len(tokenizer) > model.config.vocab_size:
        raise ModelError(
            f"--model {choice.model}: {model.config.vocab_size} embeddings for a tokenizer of {len(tokenizer)} pieces; "
            "use the tokenizer the model was trained with"
        )
    return model


def _commit(model: DebertaV2ForSequenceClassification) -> str | None:
    """The commit of the hub repository the model started from; None for a folder or a model from scratch."""
    return None if model.load_report is None else commit_of(model.load_report.folder)


def _label_counts(examples: Sequence[EncodedExample], num_labels: int) -> list[int]:
    counts = [0] * num_labels
    for example in examples:
        for label in example.gold:
            counts[label] += 1
    return counts


def _record(
    task: Task,
    source: Source,
    choice: ModelChoice,
    settings: TrainSettings,
    tokenizer: DebertaV2Tokenizer,
    labels: Sequence[str],
    counts: Sequence[int],
    max_length: int,
    device: torch.device,
    commit: str | None,
) -> dict[str, Any]:
    """Return the content of `run.json`."""
    return {
        "task": task.name,
        "data": {
            split: [{"file": str(path.resolve()), "sha256": file_sha256(path)} for path in paths]
            for split, paths in source.files.items()
        },
        "columns": None if source.columns is None else asdict(source.columns),
        "model": {**asdict(choice), "tokenizer": str(choice.tokenizer) if choice.tokenizer else None},
        "model_commit": commit,
        "settings": asdict(settings),
        "max_length": max_length,
        "labels": list(labels),
        "train_label_counts": list(counts),
        "tokenizer": tokenizer.fingerprint(),
        "device": str(device),
        "versions": {"korscideberta": __version__, "torch": torch.__version__, "python": platform.python_version()},
    }


def _refuse_changes(run: RunDirectory, record: dict[str, Any]) -> None:
    """Refuse to go on with a run whose data or settings are not those it was begun with."""
    before = run.read_settings()
    for part in ("task", "data", "columns", "model", "settings", "max_length", "labels", "tokenizer"):
        old, new = before.get(part), _as_json(record[part])
        if old != new:
            raise ConfigError(f"--resume: {part} differs from the run begun in {run.path}: {_difference(old, new)}")


def _as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _difference(old: Any, new: Any) -> str:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            if old.get(key) != new.get(key):
                return f"{key} was {old.get(key)!r}, now {new.get(key)!r}"
    return f"was {old!r}, now {new!r}"
