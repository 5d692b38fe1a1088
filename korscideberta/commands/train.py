"""`korsci train`."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from korscideberta.commands.failures import tell
from korscideberta.commands.options import (
    ALLOW_MISMATCH,
    PATH,
    GroupedCommand,
    choose_task,
    field_options,
    option_group,
    parse_columns,
)

if TYPE_CHECKING:
    import torch

    from korscideberta.training.finetune import ModelChoice
    from korscideberta.training.settings import TrainSettings

logger = logging.getLogger(__name__)

_data = option_group("Data")
_model = option_group("Model")
_training = option_group("Training")
_optimizer = option_group("Optimizer")
_loss = option_group("Loss")
_run = option_group("Run")
_report = option_group("Evaluation, checkpoints, records")

_SMALL_EPOCHS, _LARGE_EPOCHS = 10, 3
_SCRATCH_RATE, _SMALL_RATE, _LARGE_RATE = 5e-4, 3e-4, 2e-5
_SCHEDULES = (
    "linear; or as in the original warmup_linear, warmup_linear_shift, warmup_constant, warmup_cosine, "
    "warmup_linear_cosine, warmup_cyclic_linear_cosine"
)


class TrainCommand(GroupedCommand):
    """Takes `--seeds 1 2 3` as well as `--seeds 1 --seeds 2 --seeds 3`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Name --seeds before each of several seeds."""
        named: list[str] = []
        listing = False
        for argument in args:
            if listing and argument.isdecimal() and named[-1] != "--seeds":
                named.append("--seeds")
            listing = argument == "--seeds" or (listing and argument.isdecimal())
            named.append(argument)
        return super().parse_args(ctx, named)


def _defaults_from_run(ctx: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """Make the settings of a `run.json`, and its task, the defaults of this call; warn of data that have changed."""
    if path is None:
        return None
    from korscideberta.errors import DataError
    from korscideberta.files import file_sha256

    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        columns, variant = record["columns"] or {}, record.get("variant") or {}
        ctx.default_map = {
            "task": record["task"],
            "task_file": record.get("task_file"),
            "level": variant.get("level"),
            "merge_rare": variant.get("merge_rare", 0),
            "taxonomy": variant["taxonomy"]["file"] if "taxonomy" in variant else None,
            **{split: [entry["file"] for entry in files] for split, files in record["data"].items()},
            **record["model"],
            **record["settings"],
            "seeds": record.get("seeds"),
            "max_length": record["max_length"],
            "dev_share": record.get("dev_share"),
            "text": ",".join(columns["text"]) if columns else None,
            **{name: columns.get(name) for name in ("label", "text_pair", "id")},
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"--config {path}: not a readable run.json ({error})") from None
    for entry in (entry for files in record["data"].values() for entry in files):
        if Path(entry["file"]).is_file() and file_sha256(Path(entry["file"])) != entry["sha256"]:
            logger.warning("%s: changed since the run of --config %s", entry["file"], path)
    return path


def choose_batches(options: dict[str, Any]) -> None:
    """Let the one of --batch-size and --batch-tokens that was given stand, also against that of a --config."""
    source = click.get_current_context().get_parameter_source
    names = ("batch_size", "batch_tokens")
    given = [name for name in names if source(name) is ParameterSource.COMMANDLINE]
    if len(given) > 1:
        raise click.UsageError("--batch-size and --batch-tokens: give one of them.")
    if given == ["batch_size"]:
        options["batch_tokens"] = None


def choose_seeds(options: dict[str, Any]) -> None:
    """Let the one of --seed and --seeds that was given stand, also against that of a --config."""
    source = click.get_current_context().get_parameter_source
    given = [name for name in ("seed", "seeds") if source(name) is ParameterSource.COMMANDLINE]
    if len(given) > 1:
        raise click.UsageError("--seed and --seeds: give one of them.")
    if given == ["seed"]:
        options["seeds"] = ()


def settings_from(options: dict[str, Any], device: torch.device) -> tuple[TrainSettings, ModelChoice]:
    """Return what the options of the command choose, defaults that depend on others filled in."""
    from dataclasses import fields

    from korscideberta.hub import SHIPPED_MODELS
    from korscideberta.model.presets import PRESET_NAMES
    from korscideberta.precision import resolve_precision
    from korscideberta.training.finetune import ModelChoice
    from korscideberta.training.settings import TrainSettings

    scratch = options["model"] in PRESET_NAMES
    small = scratch or options["model"] in SHIPPED_MODELS
    options["precision"] = resolve_precision(options["precision"], device)
    if options["epochs"] is None:
        options["epochs"] = _SMALL_EPOCHS if small else _LARGE_EPOCHS
    if options["learning_rate"] is None:
        options["learning_rate"] = _SCRATCH_RATE if scratch else _SMALL_RATE if small else _LARGE_RATE
    if options["class_weights"] not in (None, "balanced"):
        options["class_weights"] = str(Path(options["class_weights"]).resolve())
    settings = TrainSettings(**{field.name: options[field.name] for field in fields(TrainSettings)})
    choice = ModelChoice(**{field.name: options[field.name] for field in fields(ModelChoice)})
    return settings, choice


@click.command("train", cls=TrainCommand)
@click.argument("task", required=False)
@_data("--task-file", type=PATH, help="Python file that registers TASK; see examples/my_task.py.")
@_data(
    "--train", type=PATH, multiple=True, help="Training file; repeat for several. Default: the task's sample, if any."
)
@_data("--dev", type=PATH, multiple=True, help="File that selects the best checkpoint.")
@_data("--test", type=PATH, multiple=True, help="File scored once at the end.")
@_data("--dev-share", type=float, default=0.1, show_default=True, help="Of --train held back where there is no --dev.")
@_data("--text", help="Text columns, separated by commas; joined with a line break.")
@_data("--label", help="Label column.")
@_data("--multi-label", is_flag=True, help="Any number of labels a row, joined with |; each is decided by itself.")
@_data("--text-pair", help="Column of the second text of a pair.")
@_data("--id", help="Column that identifies a row; default: the row number.")
@field_options("Data")
@_model(
    "--model",
    default="korsci-nano",
    show_default=True,
    help="Folder, model of this package, hub repository OWNER/NAME[@REVISION], or a shape to train from scratch.",
)
@_model(
    "--tokenizer",
    type=PATH,
    help="Tokenizer's folder or hub repository; default: the model's, or trained on the training texts.",
)
@_model("--engine", help="Morphological analyser: mecab, mecab-ko or none; default: the tokenizer's.")
@_model(
    "--user-dictionary",
    type=PATH,
    help="Nouns to keep whole, from 'korsci tokenizer userdict'; default: the tokenizer's.",
)
@_model("--allow-tokenizer-mismatch", is_flag=True, help=ALLOW_MISMATCH)
@_model("--vocab-size", type=int, default=8000, show_default=True, help="Pieces of a tokenizer trained here.")
@_model("--max-length", type=int, help="Limit in tokens; default: the task's.")
@_model(
    "--long",
    default="truncate",
    show_default=True,
    help="Texts beyond that: truncate, windows (read in overlapping ones, logits averaged) or head-tail.",
)
@_model(
    "--doc-stride",
    type=int,
    default=128,
    show_default=True,
    help="Tokens from one window of a long text to the next, with --long windows and in tasks that work so.",
)
@_model(
    "--max-answer-length",
    type=int,
    default=30,
    show_default=True,
    help="Pieces of an answer at most, in tasks that look for one in a text.",
)
@_model("--cls-dropout", type=float, help="Dropout before the classifier; default: the model's.")
@_model("--attention", default="auto", show_default=True, help="auto, dense or strided.")
@_training("--epochs", type=int, help=f"Default: {_LARGE_EPOCHS}; {_SMALL_EPOCHS} for korsci-nano and from scratch.")
@_training("--max-steps", type=int, help="End after so many updates, within --epochs.")
@_training("--batch-size", type=int, default=32, show_default=True, help="Examples an update.")
@_training("--batch-tokens", type=int, help="Tokens an update at most, in place of --batch-size.")
@_training(
    "--accumulate", type=int, default=1, show_default=True, help="Parts a batch is processed in, to save memory."
)
@_training("--gradient-checkpointing", is_flag=True, help="Compute activations twice instead of keeping them.")
@_training("--precision", default="auto", show_default=True, help="auto, float32, bf16 or fp16 (GPU).")
@_training("--seed", type=int, default=42, show_default=True, help="Of initialisation, dropout and order.")
@_training("--seeds", type=int, multiple=True, metavar="INTEGER…", help="Run each seed; report mean and spread.")
@_optimizer(
    "--learning-rate",
    type=float,
    help=f"Default: {_LARGE_RATE}; {_SMALL_RATE} for korsci-nano, {_SCRATCH_RATE} from scratch.",
)
@_optimizer("--head-learning-rate", type=float, help="Of all above the encoder; default: the same.")
@_optimizer(
    "--layer-decay", type=float, default=1.0, show_default=True, help="Factor on the rate a layer further down."
)
@_optimizer("--freeze", metavar="embeddings|N", help="Leave the embeddings, or these and N layers, as they are.")
@_optimizer("--schedule", default="linear", show_default=True, help=f"{_SCHEDULES}.")
@_optimizer("--schedule-end", type=float, default=0.0, show_default=True, help="Share of the rate to end at.")
@_optimizer("--warmup", type=float, default=0.1, show_default=True, help="Steps, or below 1 a share of all steps.")
@_optimizer("--weight-decay", type=float, default=0.01, show_default=True, help="Not of biases and layer norms.")
@_optimizer("--max-grad-norm", type=float, default=1.0, show_default=True, help="Gradient clipping; 0 is none.")
@_loss("--loss", default="cross-entropy", show_default=True, help="cross-entropy, focal or logit-adjusted.")
@_loss("--focal-gamma", type=float, default=2.0, show_default=True, help="Exponent of the focal loss.")
@_loss("--logit-tau", type=float, default=1.0, show_default=True, help="Strength of the logit adjustment.")
@_loss("--label-smoothing", type=float, default=0.0, show_default=True, help="Share spread over all labels.")
@_loss("--class-weights", metavar="balanced|FILE", help="FILE: columns label, weight; or a JSON object.")
@_loss(
    "--targets",
    default="uniform",
    show_default=True,
    help="What several labels of a row are: primary (the first alone), uniform or rank (1, 1/2, 1/3 …) shares, or "
    "multi-label (each by itself).",
)
@_loss("--sift-lambda", type=float, default=0.0, show_default=True, help="Weight of adversarial training (SiFT).")
@_loss("--sift-lr", type=float, default=1e-4, show_default=True, help="Length of the adversarial step.")
@_loss("--sift-init", type=float, default=1e-2, show_default=True, help="Size of the first perturbation.")
@_report("--eval-every", type=int, default=0, show_default=True, help="Steps between evaluations; 0: every epoch.")
@_report("--eval-batch-size", type=int, default=64, show_default=True, help="Examples a forward pass in evaluation.")
@_report("--patience", type=int, default=0, show_default=True, help="Stop after N evaluations without a better one.")
@_report("--top-k", type=int, default=3, show_default=True, help="How many labels a prediction may name.")
@_report(
    "--save-every", type=int, default=0, show_default=True, help="Steps between checkpoints; always after evaluating."
)
@_report("--keep-last", type=int, default=2, show_default=True, help="Checkpoints kept, besides the best model.")
@_report("--log-every", type=int, default=50, show_default=True, help="Steps between loss records.")
@_report("--tensorboard", is_flag=True, help="Also write the records for TensorBoard.")
@_run("--out", type=PATH, help="Run directory to write; needed unless --dry-run.")
@_run("--resume", is_flag=True, help="Go on with the run in --out.")
@_run("--overwrite", is_flag=True, help="Delete the run in --out first.")
@_run("--dry-run", is_flag=True, help="Show plan, memory and first batch; write nothing.")
@_run("--config", type=PATH, callback=_defaults_from_run, is_eager=True, help="run.json whose settings are defaults.")
@_run("--cache/--no-cache", default=True, show_default=True, help="Keep encoded texts for the next run.")
@_run("--processes", type=int, metavar="N", help="Train in N processes on this machine, each on a GPU of its own.")
@_run(
    "--sharding",
    default="none",
    show_default=True,
    help="What processes share out: none, optimizer (its state), or full (the model too).",
)
@_run("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1 …")
def command(task: str | None, **options: Any) -> None:
    """Fine-tune a model on TASK, evaluate it and write a run directory.

    A file with a `split` column (train, dev, test) gives each split its own rows, so --train alone is enough.

    SIGINT, SIGTERM and SIGUSR1 save the state after the running step and exit with code 75; the same command with
    --resume goes on to the same result, also after a kill.

    Several processes share every batch, and the updates are those of one: --processes N starts N on this machine;
    `torchrun … -m korscideberta train …` works too, as do WORLD_SIZE and RANK, with MASTER_ADDR and MASTER_PORT,
    which count machines.

    \b
    Examples:
      korsci train papers --out runs/papers
      korsci train classify --train a.csv --dev b.csv --text title,abstract --label field --out runs/mine
      korsci train papers --seeds 1 2 3 --out runs/three
      korsci train --config runs/mine/run.json --out runs/again
    """
    import os

    from korscideberta.training.distributed import process_group
    from korscideberta.training.launcher import Job, launch, this_program
    from korscideberta.training.signals import Interrupted

    if task is None:
        raise click.UsageError("Missing argument 'TASK'.")
    if options["out"] is None and not options["dry_run"]:
        raise click.UsageError("Missing option '--out'.")
    choose_batches(options)
    choose_seeds(options)
    arguments = click.get_current_context().find_root().obj or sys.argv[1:]
    job = Job.of(os.environ, options["processes"], options["device"])
    if job is not None:
        sys.exit(launch(job, this_program(arguments)))
    try:
        with process_group(options["device"], _tell) as device:
            _train(task, options, device)
    except Interrupted as stopped:
        sys.exit(_tell(stopped))


def _tell(error: BaseException) -> int:
    """Show why a run ended before its time, and return the exit code."""
    from korscideberta.training.signals import STOPPED, Interrupted

    if isinstance(error, Interrupted):
        click.echo(f"{error}; go on with the same command and --resume", err=True)
        return STOPPED
    return tell(error, debug=logger.isEnabledFor(logging.DEBUG))


def _train(task: str, options: dict[str, Any], device: torch.device) -> None:
    """Do the work of the command in this process, which may be one of several."""
    from korscideberta.collective import is_main
    from korscideberta.data.cache import cache_folder
    from korscideberta.evaluation.tables import figures_table, spread_table
    from korscideberta.run import RunDirectory
    from korscideberta.training.dry_run import dry_run
    from korscideberta.training.finetune import Source, find_files, fine_tune
    from korscideberta.training.seeds import fine_tune_seeds

    chosen = choose_task(task, options)
    columns = parse_columns(options["text"], options["label"], options["text_pair"], options["id"])
    files = find_files(chosen, {split: options[split] for split in ("train", "dev", "test")})
    settings, choice = settings_from(options, device)
    keeps = options["cache"] and not options["dry_run"]
    source = Source(
        files=files,
        columns=columns,
        cache=cache_folder() if keeps else None,
        dev_share=options["dev_share"],
        merge_rare=options["merge_rare"],
    )
    if options["dry_run"]:
        told = dry_run(chosen, source, choice, settings, device=device)
    else:
        run = RunDirectory(options["out"])
        begin = {"device": device, "overwrite": options["overwrite"], "resume": options["resume"]}
        if seeds := options["seeds"]:
            told = spread_table(fine_tune_seeds(chosen, source, choice, settings, seeds, run, **begin), seeds)
        else:
            told = figures_table(fine_tune(chosen, source, choice, settings, run, **begin))
        told += f"\nrun directory: {run.path}"
    if is_main():
        click.echo(told)
