"""`korsci train`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from korscideberta.commands.options import PATH, GroupedCommand, option_group, parse_columns

_data = option_group("Data")
_model = option_group("Model")
_training = option_group("Training")
_run = option_group("Run")

_SCRATCH_EPOCHS, _PRETRAINED_EPOCHS = 10, 3
_SCRATCH_RATE, _PRETRAINED_RATE = 5e-4, 2e-5


def _defaults_from_run(ctx: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """Make the settings of a `run.json` the defaults of this call."""
    if path is None:
        return None
    from korscideberta.errors import DataError

    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        columns = record["columns"] or {}
        ctx.default_map = {
            **{split: [entry["file"] for entry in files] for split, files in record["data"].items()},
            **record["model"],
            **record["settings"],
            "max_length": record["max_length"],
            "text": ",".join(columns["text"]) if columns else None,
            **{name: columns.get(name) for name in ("label", "text_pair", "id")},
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"--config {path}: not a readable run.json ({error})") from None
    return path


@click.command("train", cls=GroupedCommand)
@click.argument("task")
@_data(
    "--train", type=PATH, multiple=True, help="Training file; repeat for several. Default: the task's sample, if any."
)
@_data("--dev", type=PATH, multiple=True, help="File that selects the best checkpoint.")
@_data("--test", type=PATH, multiple=True, help="File scored once at the end.")
@_data("--text", help="Text columns, separated by commas; joined with a line break.")
@_data("--label", help="Label column.")
@_data("--text-pair", help="Column of the second text of a pair.")
@_data("--id", help="Column that identifies a row; default: the row number.")
@_model(
    "--model",
    default="nano",
    show_default=True,
    help="Folder, hub repository OWNER/NAME[@REVISION], or a shape to train from scratch.",
)
@_model(
    "--tokenizer",
    type=PATH,
    help="Tokenizer's folder or hub repository; default: the model's, or trained on the training texts.",
)
@_model("--engine", help="Morphological analyser: mecab, mecab-ko or none; default: the tokenizer's.")
@_model("--vocab-size", type=int, default=8000, show_default=True, help="Pieces of a tokenizer trained here.")
@_model("--max-length", type=int, help="Limit in tokens; default: the task's.")
@_model("--cls-dropout", type=float, help="Dropout before the classifier; default: the model's.")
@_model("--attention", default="auto", show_default=True, help="auto, dense or strided.")
@_training("--epochs", type=int, help=f"Default: {_PRETRAINED_EPOCHS}, or {_SCRATCH_EPOCHS} from scratch.")
@_training("--batch-size", type=int, default=32, show_default=True, help="Examples an update.")
@_training("--eval-batch-size", type=int, default=64, show_default=True, help="Examples a forward pass in evaluation.")
@_training("--learning-rate", type=float, help=f"Default: {_PRETRAINED_RATE}, or {_SCRATCH_RATE} from scratch.")
@_training("--warmup", type=float, default=0.1, show_default=True, help="Steps, or below 1 a share of all steps.")
@_training("--weight-decay", type=float, default=0.01, show_default=True, help="Not applied to biases and layer norms.")
@_training("--max-grad-norm", type=float, default=1.0, show_default=True, help="Gradient clipping; 0 is none.")
@_training("--precision", default="auto", show_default=True, help="auto, float32, bf16 or fp16 (GPU).")
@_training("--seed", type=int, default=42, show_default=True, help="Of initialisation, dropout and order.")
@_training("--sift-lambda", type=float, default=0.0, show_default=True, help="Weight of adversarial training (SiFT).")
@_training("--sift-lr", type=float, default=1e-4, show_default=True, help="Length of the adversarial step.")
@_training("--sift-init", type=float, default=1e-2, show_default=True, help="Size of the first perturbation.")
@_run("--out", type=PATH, required=True, help="Run directory to write.")
@_run("--resume", is_flag=True, help="Go on with the run in --out.")
@_run("--overwrite", is_flag=True, help="Delete the run in --out first.")
@_run("--config", type=PATH, callback=_defaults_from_run, is_eager=True, help="run.json whose settings are defaults.")
@_run("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1 …")
@_run("--eval-every", type=int, default=0, show_default=True, help="Steps between evaluations; 0: every epoch.")
@_run("--log-every", type=int, default=50, show_default=True, help="Steps between loss records.")
@_run("--top-k", type=int, default=3, show_default=True, help="How many labels a prediction may name.")
def command(task: str, **options: Any) -> None:
    """Fine-tune a model on TASK, evaluate it and write a run directory.

    A file with a `split` column (train, dev, test) gives each split its own rows, so --train alone is enough.

    \b
    Examples:
      korsci train papers --out runs/papers
      korsci train classify --train a.csv --dev b.csv --text title,abstract --label field --out runs/mine
    """
    from korscideberta import tasks
    from korscideberta.evaluation.tables import figures_table
    from korscideberta.model.presets import PRESET_NAMES
    from korscideberta.precision import pick_device, resolve_precision
    from korscideberta.run import RunDirectory
    from korscideberta.training.finetune import ModelChoice, Source, find_files, fine_tune
    from korscideberta.training.loop import Interrupted
    from korscideberta.training.settings import TrainSettings

    chosen = tasks.get(task)
    columns = parse_columns(options["text"], options["label"], options["text_pair"], options["id"])
    files = find_files(chosen, {split: options[split] for split in ("train", "dev", "test")})
    scratch = options["model"] in PRESET_NAMES
    device = pick_device(options["device"])
    settings = TrainSettings(
        epochs=options["epochs"] or (_SCRATCH_EPOCHS if scratch else _PRETRAINED_EPOCHS),
        learning_rate=options["learning_rate"] or (_SCRATCH_RATE if scratch else _PRETRAINED_RATE),
        precision=resolve_precision(options["precision"], device),
        **{
            name: options[name]
            for name in (
                "batch_size",
                "eval_batch_size",
                "warmup",
                "weight_decay",
                "max_grad_norm",
                "seed",
                "sift_lambda",
                "sift_lr",
                "sift_init",
                "eval_every",
                "log_every",
                "top_k",
            )
        },
    )
    choice = ModelChoice(
        **{
            name: options[name]
            for name in ("model", "tokenizer", "engine", "vocab_size", "max_length", "cls_dropout", "attention")
        }
    )
    run = RunDirectory(options["out"])
    try:
        figures = fine_tune(
            chosen,
            Source(files=files, columns=columns),
            choice,
            settings,
            run,
            device=device,
            overwrite=options["overwrite"],
            resume=options["resume"],
        )
    except Interrupted as stopped:
        click.echo(f"stopped after step {stopped.step}; go on with the same command and --resume", err=True)
        sys.exit(130)
    click.echo(figures_table(figures))
    click.echo(f"run directory: {run.path}")
