"""A whole fine-tuning run: data, tokenizer and model in, run directory out."""

from __future__ import annotations

import logging
import platform
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from korscideberta._version import __version__
from korscideberta.collective import copy_from_main, first_of_each_machine, from_main, is_main, world_size
from korscideberta.data.examples import SPLITS, Columns
from korscideberta.data.features import Features, Limits, SequenceFeatures
from korscideberta.data.splits import splits_in
from korscideberta.errors import ConfigError, ModelError
from korscideberta.files import file_sha256, write_json
from korscideberta.hub import SHIPPED_MODELS, can_be_located, commit_of
from korscideberta.model.encoder import PretrainedModel
from korscideberta.model.presets import PRESET_NAMES, preset
from korscideberta.model.quantized import is_quantized
from korscideberta.nearest import nearest
from korscideberta.run import RunDirectory
from korscideberta.tasks import Task, merge_rare, task_record
from korscideberta.tasks.merging import LABELLED
from korscideberta.tokenization.fingerprint import recorded_fingerprint, refuse_difference
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.tokenization.train import train_tokenizer
from korscideberta.training.kinds import Kind, kind_of
from korscideberta.training.loop import train
from korscideberta.training.losses import Objective
from korscideberta.training.optimizer import freeze
from korscideberta.training.plan import Plan
from korscideberta.training.same_run import refuse_changes, refuse_disagreement
from korscideberta.training.settings import TrainSettings
from korscideberta.training.sharding import check_sharding, place, save_whole
from korscideberta.training.signals import stop_requests
from korscideberta.training.support import support_table
from korscideberta.training.tensorboard import check_tensorboard

logger = logging.getLogger(__name__)

DEV_SHARE = 0.1
SPLIT_SEED = 42
"""Not the run's own seed: runs that differ in the seed are to be compared on the same rows."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a run's data come from and how they are read."""

    files: dict[str, tuple[Path, ...]]
    """Files by split; a split without files is left out."""
    columns: Columns | None = None
    cache: Path | None = None
    """Folder in which encoded data sets are kept for the next run; the results are the same without."""
    dev_share: float = DEV_SHARE
    """Share of the training rows that is held back where there are no dev files."""
    merge_rare: int = 0
    """Training rows below which a label is read as `other`."""

    def __post_init__(self) -> None:
        if not 0 < self.dev_share < 1:
            raise ConfigError(f"--dev-share {self.dev_share}: must lie between 0 and 1, such as {DEV_SHARE}")
        if self.merge_rare < 0:
            raise ConfigError(f"--merge-rare {self.merge_rare}: must not be negative")

    def record(self) -> dict[str, Any]:
        """Return what `run.json` says of the data."""
        return {
            "data": {
                split: [{"file": str(path.resolve()), "sha256": file_sha256(path)} for path in paths]
                for split, paths in self.files.items()
            },
            "dev_share": self.dev_share,
            "columns": None if self.columns is None else asdict(self.columns),
        }


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """What a run starts from."""

    model: str = "korsci-nano"
    """A folder in Hugging Face layout, a model of this package, a hub repository, or a shape to train from scratch."""
    tokenizer: Path | None = None
    """A folder or hub repository; None takes the model's own or, from scratch, trains one on the training texts."""
    engine: str | None = None
    """Morphological analyser; None takes the tokenizer's own."""
    user_dictionary: Path | None = None
    """Compiled user dictionary of the analyser; None takes the tokenizer's own."""
    allow_tokenizer_mismatch: bool = False
    """Accept a tokenizer that gives other ids than the one the model was trained with."""
    vocab_size: int = 8000
    """Size of a tokenizer trained here."""
    max_length: int | None = None
    """Limit in tokens; None is the task's default."""
    long: str = "truncate"
    """What becomes of texts beyond that limit, where the head judges texts as a whole; one of `data.limits.LONG`."""
    doc_stride: int = 128
    """Tokens by which neighbouring windows of a long text are moved on, where the head works in windows."""
    max_answer_length: int = 30
    """Pieces of an answer at most, where the head looks for one in a text."""
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
    for split in splits_in(files["train"]) if task.tables else ():
        files.setdefault(split, files["train"])
    return {split: files[split] for split in SPLITS if split in files}


def read_split(task: Task, source: Source, split: str) -> list[Any]:
    """Read and concatenate the files of one split.

    Raises:
        DataError: a file is broken, or a row has no label.
    """
    examples: list[Any] = []
    several = len(source.files[split]) > 1
    stems = [path.stem for path in source.files[split]]
    for path in source.files[split]:
        rows = task.read(path, source.columns, split, True)
        # Row numbers start anew in each file, so ids get the file's name where there are several.
        name = path.stem if stems.count(path.stem) == 1 else f"{path.resolve().parent.name}/{path.stem}"
        examples += [replace(example, id=f"{name}:{example.id}") for example in rows] if several else rows
    return examples


def read_splits(task: Task, source: Source) -> dict[str, list[Any]]:
    """Read every split; without dev data a share of the training rows is held back, always the same."""
    examples = {split: read_split(task, source, split) for split in source.files}
    if "dev" not in examples:
        logger.info("no --dev: %g of the training rows are held back to select the checkpoint", source.dev_share)
        train_rows, dev_rows = kind_of(task).hold_out(examples["train"], source.dev_share, SPLIT_SEED)
        examples = {"train": train_rows, "dev": dev_rows, **{k: v for k, v in examples.items() if k == "test"}}
    return examples


def read_merged(task: Task, source: Source) -> tuple[Task, dict[str, list[Any]]]:
    """Return the task with rare labels merged, if the source asks for that, and every split."""
    examples = read_splits(task, source)
    return merge_rare(task, examples, source.merge_rare) if source.merge_rare else (task, examples)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A run that is ready to begin: everything is read and found good, nothing is written yet."""

    task: Task
    settings: TrainSettings
    kind: Kind[Any, Any]
    examples: dict[str, list[Any]]
    encoded: dict[str, Features]
    tokenizer: DebertaV2Tokenizer
    model: PretrainedModel
    """Still in ordinary memory."""
    objective: Objective
    record: dict[str, Any]
    """The content of `run.json`."""

    def outputs(self, model: PretrainedModel, split: str) -> Any:
        """Run a model on a split."""
        return self.kind.outputs(
            model,
            self.encoded[split],
            batch_size=self.settings.eval_batch_size,
            precision=self.settings.precision,
            progress=f"evaluate {split}",
        )

    def figures(self, split: str, outputs: Any) -> dict[str, float]:
        """Score what the model made of a split."""
        return self.kind.figures(self.examples[split], outputs, self.top_k)

    @property
    def top_k(self) -> int:
        """How many answers a prediction names, as many as there are at most."""
        return min(self.settings.top_k, len(self.kind.labels) or self.settings.top_k)


def prepare(
    task: Task,
    source: Source,
    choice: ModelChoice,
    settings: TrainSettings,
    *,
    device: torch.device,
    resumed: RunDirectory | None = None,
) -> Prepared:
    """Read the data, tokenizer and model of a run; from scratch, train the tokenizer unless a resumed run has it.

    Raises:
        KorsciError: data, options or model are at fault.
    """
    check_sharding(settings.sharding)
    if settings.tensorboard:
        check_tensorboard()
    task, examples = read_merged(task, source)
    kind = kind_of(task).learn(task, examples["train"], str(source.files["train"][0]))
    kind.adopt(settings, examples["train"])
    limits = _limits(choice, kind)
    for rows in examples.values():
        kind.check(rows)
    _check_model(choice)
    texts = kind.all_texts(examples["train"])
    tokenizer = _load_tokenizer(choice, texts, resumed)
    torch.manual_seed(settings.seed)
    model = _load_model(choice, kind, tokenizer)
    freeze(model, settings)
    if settings.gradient_checkpointing:
        model.gradient_checkpointing_enable()
    limits = replace(limits, max_length=min(limits.max_length, model.config.max_position_embeddings))
    with first_of_each_machine(wanted=source.cache is not None):
        encoded = {
            split: kind.encode(rows, tokenizer, limits, labelled=True, cache=source.cache)
            for split, rows in examples.items()
        }
    Plan.of(encoded["train"].lengths, settings)  # an example beyond --batch-tokens is refused here
    objective = kind.objective(settings)
    return Prepared(
        task=task,
        settings=settings,
        kind=kind,
        examples=examples,
        encoded=encoded,
        tokenizer=tokenizer,
        model=model,
        objective=objective,
        record=_record(kind, source, choice, settings, tokenizer, objective, limits.max_length, device, _commit(model)),
    )


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
    on_begin: Callable[[Mapping[str, Any]], None] | None = None,
) -> dict[str, dict[str, float]]:
    """Train, evaluate every split beyond train, and return the figures that `metrics.json` now holds.

    `on_begin` is called with the content of `run.json` before anything is written.

    Raises:
        KorsciError: anything the user can mend; nothing has been written when data, options or model are at fault.
        Interrupted: a signal asked to stop; the run can be resumed.
    """
    run.check(overwrite=overwrite, resume=resume)
    with stop_requests() as stop:
        ready = prepare(task, source, choice, settings, device=device, resumed=run if resume else None)
        if resume:
            refuse_changes(run, ready.record, asdict(ModelChoice()))
        refuse_disagreement(ready.record)
        if on_begin is not None and is_main():
            on_begin(ready.record)
        if from_main(resume and run.metrics.is_file()):
            logger.info("%s: finished already", run.path)
            return run.read_metrics()
        with run.held() if is_main() else nullcontext():
            if is_main():
                run.begin(overwrite=overwrite)
                write_json(run.settings_file, ready.record)
                ready.tokenizer.save_pretrained(run.model)
                _announce(ready, device)
            place(ready.model, device, settings.sharding)
            train(
                ready.model,
                ready.encoded["train"],
                settings=settings,
                objective=ready.objective,
                run=run,
                ids=[ready.examples["train"][owner].id for owner in ready.encoded["train"].owners],
                evaluate=lambda: from_main(ready.figures("dev", ready.outputs(ready.model, "dev"))),
                metric=task.metric,
                save_model=lambda: save_whole(ready.model, ready.kind.model, run.model, settings.sharding),
                resume=resume,
                stop=stop,
            )
            best = ready.kind.model.from_pretrained(run.model, attention=choice.attention)
            place(best, device, settings.sharding)
            return _score(ready, best, run)


def long_texts(ready: Prepared) -> str | None:
    """Say how many training texts were too long and what became of them; None where all were read whole."""
    features = ready.encoded["train"]
    if not isinstance(features, SequenceFeatures) or not features.cut.long:
        return None
    return features.cut.told(ready.record["model"]["long"], ready.record["max_length"])


def _announce(ready: Prepared, device: torch.device) -> None:
    logger.info(
        "%s: %s examples%s, %s, %s on %s",
        ready.task.name,
        " + ".join(f"{len(rows):,} {split}" for split, rows in ready.examples.items()),
        f", {len(ready.kind.labels)} labels" if ready.kind.labels else "",
        model_size(ready.model),
        ready.settings.precision,
        device,
    )
    if (told := long_texts(ready)) is not None:
        logger.info("%s", told)
    if ready.task.head in LABELLED:
        table = support_table(ready.kind.labels, ready.examples, ready.task.display)
        logger.info("labels by their training rows\n%s", table)


def _score(ready: Prepared, model: PretrainedModel, run: RunDirectory) -> dict[str, dict[str, float]]:
    """Write the predictions for every split beyond train, and last the figures, which say that the run is finished."""
    figures = {}
    for split, examples in ready.examples.items():
        if split == "train":
            continue
        outputs = ready.outputs(model, split)
        if split == "dev":
            ready.kind.settle(examples, outputs)
            if is_main():
                write_json(run.settings_file, {**ready.record, **ready.kind.record()})
        figures[split] = ready.figures(split, outputs)
        if is_main():
            predictions = ready.kind.predictions(examples, outputs, ready.top_k)
            ready.kind.write(run.predictions(split, ready.kind.suffixes[0]), examples, predictions, labelled=True)
    if is_main():
        run.write_metrics(figures)
    return figures


def model_size(model: torch.nn.Module) -> str:
    """Say how many parameters a model has, and how many of them are trained."""
    total = sum(parameter.numel() for parameter in model.parameters())
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    part = "" if trained == total else f", {trained / 1e6:.1f} M of them trained"
    return f"{total / 1e6:.1f} M parameters{part}"


def _limits(choice: ModelChoice, kind: Kind[Any, Any]) -> Limits:
    """Return the limits that were chosen; refuse one that means nothing to this kind."""
    name = kind.task.name
    if choice.long != ModelChoice.long and not kind.reads_whole:
        raise ConfigError(f"--long {choice.long}: {name} judges no texts as a whole")
    if choice.doc_stride != ModelChoice.doc_stride and not (kind.windows or choice.long == "windows"):
        hint = "; add --long windows" if kind.reads_whole else ""
        raise ConfigError(f"--doc-stride {choice.doc_stride}: {name} does not cut texts into windows{hint}")
    if choice.max_answer_length != ModelChoice.max_answer_length and not kind.extracts:
        raise ConfigError(f"--max-answer-length {choice.max_answer_length}: {name} has no answers in a text")
    length = choice.max_length or kind.task.max_length
    chosen = {name: getattr(choice, name) for name in ("long", "doc_stride", "max_answer_length")}
    return Limits(max_length=length, **chosen)


def _check_model(choice: ModelChoice) -> None:
    if choice.model not in PRESET_NAMES and not can_be_located(choice.model):
        raise ModelError(
            f"--model {choice.model}: neither a model folder, nor a hub repository (OWNER/NAME), nor a model of this "
            f"package, nor a shape to train from scratch; {nearest(choice.model, (*SHIPPED_MODELS, *PRESET_NAMES))}"
        )


def _load_tokenizer(choice: ModelChoice, texts: Sequence[str], resumed: RunDirectory | None) -> DebertaV2Tokenizer:
    """Return the tokenizer of the run that is resumed, the one chosen, the model's own, or one trained on `texts`."""
    # Its configuration is written last: without it the run was killed before it had a tokenizer.
    if resumed is not None and (resumed.model / "tokenizer_config.json").is_file():
        return DebertaV2Tokenizer.from_pretrained(resumed.model)
    if choice.tokenizer is None and choice.model in PRESET_NAMES:
        logger.info("training a tokenizer of %d pieces on the training texts", choice.vocab_size)
        with tempfile.TemporaryDirectory() as folder:
            trained = None
            if is_main():
                trained = train_tokenizer(
                    texts,
                    folder,
                    vocab_size=choice.vocab_size,
                    engine=choice.engine or "mecab",
                    user_dictionary=choice.user_dictionary,
                )
            copy_from_main(Path(folder))
            # The dictionary is the one chosen, since the folder does not stay.
            return trained or DebertaV2Tokenizer.from_pretrained(folder, user_dictionary=choice.user_dictionary)
    tokenizer = DebertaV2Tokenizer.from_pretrained(
        choice.tokenizer or choice.model,
        engine=choice.engine,
        user_dictionary=choice.user_dictionary,
        allow_mismatch=choice.allow_tokenizer_mismatch,
    )
    if choice.model not in PRESET_NAMES:
        refuse_difference(
            recorded_fingerprint(choice.model),
            tokenizer.fingerprint(),
            owner=f"--model {choice.model}",
            allowed=choice.allow_tokenizer_mismatch,
        )
    return tokenizer


def _load_model(choice: ModelChoice, kind: Kind[Any, Any], tokenizer: DebertaV2Tokenizer) -> PretrainedModel:
    changes = dict(kind.config_changes)
    if choice.cls_dropout is not None:
        changes["cls_dropout"] = choice.cls_dropout
    if choice.model in PRESET_NAMES:
        config = preset(choice.model, len(tokenizer), pad_token_id=tokenizer.pad_token_id)
        build: Callable[..., PretrainedModel] = kind.model
        return build(config.with_labels(kind.model_labels).with_changes(**changes), attention=choice.attention)
    model = kind.model.from_pretrained(choice.model, labels=kind.model_labels, attention=choice.attention, **changes)
    if is_quantized(model):
        raise ModelError(f"--model {choice.model}: its weights are int8 and cannot be trained; use what it was made of")
    if len(tokenizer) > model.config.vocab_size:
        raise ModelError(
            f"--model {choice.model}: {model.config.vocab_size} embeddings for a tokenizer of {len(tokenizer)} pieces; "
            "use the tokenizer the model was trained with"
        )
    return model


def _commit(model: PretrainedModel) -> str | None:
    """The commit of the hub repository the model started from; None for a folder or a model from scratch."""
    return None if model.load_report is None else commit_of(model.load_report.folder)


def _record(
    kind: Kind[Any, Any],
    source: Source,
    choice: ModelChoice,
    settings: TrainSettings,
    tokenizer: DebertaV2Tokenizer,
    objective: Objective,
    max_length: int,
    device: torch.device,
    commit: str | None,
) -> dict[str, Any]:
    """Return the content of `run.json`."""
    weights_C = getattr(objective, "weights_C", None)
    return {
        **task_record(kind.task),
        **source.record(),
        "model": {
            **asdict(choice),
            "tokenizer": str(choice.tokenizer) if choice.tokenizer else None,
            "user_dictionary": str(choice.user_dictionary.resolve()) if choice.user_dictionary else None,
        },
        "model_commit": commit,
        "settings": asdict(settings),
        "max_length": max_length,
        **kind.record(),
        "class_weights": None if weights_C is None else weights_C.tolist(),
        "tokenizer": tokenizer.fingerprint(),
        "world_size": world_size(),
        "device": str(device),
        "versions": {"korscideberta": __version__, "torch": torch.__version__, "python": platform.python_version()},
    }
