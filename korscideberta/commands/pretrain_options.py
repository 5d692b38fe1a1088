"""What the commands of pretraining have in common: options, and what they say at the end."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from korscideberta.commands.failures import tell
from korscideberta.commands.options import ALLOW_MISMATCH, PATH, option_group
from korscideberta.commands.progress import Progress

if TYPE_CHECKING:
    import torch

    from korscideberta.pretraining.models import CorpusChoice
    from korscideberta.pretraining.runs import Start
    from korscideberta.pretraining.settings import PretrainSettings
    from korscideberta.run import RunDirectory

logger = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])

_corpus = option_group("Corpus")
model_option = option_group("Model")
masking_option = option_group("Masking")
_training = option_group("Training")
_optimizer = option_group("Optimizer")
_report = option_group("Validation, checkpoints, records")
_run = option_group("Run")

_OPTIONS = (
    _corpus("--data", type=PATH, help="Folder from 'korsci pretrain prepare'."),
    _corpus("--corpus", multiple=True, help="Or files, or quoted globs, to prepare; repeat for several."),
    _corpus(
        "--document", default="line", show_default=True, help="Of --corpus: line, or blank for up to a blank line."
    ),
    _corpus("--field", default="text", show_default=True, help="Of --corpus: key of the text in JSON Lines."),
    _corpus("--skip-bad", is_flag=True, help="Of --corpus: count what cannot be read and go on."),
    _corpus("--rows", default="packed", show_default=True, help="packed, or documents for one in each row."),
    _corpus("--max-length", type=int, default=512, show_default=True, help="Tokens of a row."),
    model_option("--tokenizer", help="Tokenizer's folder or hub repository; default: the corpus's or the model's."),
    model_option("--allow-tokenizer-mismatch", is_flag=True, help=ALLOW_MISMATCH),
    model_option("--attention", default="auto", show_default=True, help="auto, dense or strided."),
    masking_option("--mask-share", type=float, default=0.15, show_default=True, help="Share of the tokens to predict."),
    masking_option("--mask-unit", default="auto", show_default=True, help="Masked as a whole: piece, morph or word."),
    _training("--max-steps", type=int, default=1_000_000, show_default=True, help="Updates of the run."),
    _training("--batch-size", type=int, help="Rows an update.  [default: 256]"),
    _training("--batch-tokens", type=int, help="Or tokens an update, in rows of --max-length."),
    _training("--accumulate", type=int, default=1, show_default=True, help="Parts a batch is processed in."),
    _training("--gradient-checkpointing", is_flag=True, help="Compute activations twice instead of keeping them."),
    _training("--precision", default="auto", show_default=True, help="auto, float32, bf16 or fp16 (GPU)."),
    _training("--seed", type=int, default=42, show_default=True, help="Of initialisation, order, masks and dropout."),
    _optimizer("--learning-rate", type=float, default=1e-4, show_default=True, help="Peak rate."),
    _optimizer("--schedule", default="linear", show_default=True, help="As in 'korsci train'."),
    _optimizer("--schedule-end", type=float, default=0.0, show_default=True, help="Share of the rate to end at."),
    _optimizer("--warmup", type=float, default=0.05, show_default=True, help="Steps, or below 1 a share of all steps."),
    _optimizer("--weight-decay", type=float, default=0.01, show_default=True, help="Not of biases and layer norms."),
    _optimizer("--max-grad-norm", type=float, default=1.0, show_default=True, help="Gradient clipping; 0 is none."),
    _report("--eval-every", type=int, default=0, show_default=True, help="Steps between validations; 0: 1/20 of all."),
    _report("--eval-rows", type=int, default=1000, show_default=True, help="Most rows to validate on."),
    _report("--eval-batch-size", type=int, default=32, show_default=True, help="Rows a forward pass in validation."),
    _report("--save-every", type=int, default=0, show_default=True, help="Steps between further checkpoints."),
    _report("--keep-last", type=int, default=2, show_default=True, help="Checkpoints kept."),
    _report("--log-every", type=int, default=50, show_default=True, help="Steps between loss records."),
    _report("--tensorboard", is_flag=True, help="Also write the records for TensorBoard."),
    _run("--out", type=PATH, required=True, help="Run directory to write."),
    _run("--resume", is_flag=True, help="Go on with the run in --out."),
    _run("--overwrite", is_flag=True, help="Delete the run in --out first."),
    _run("--max-hours", type=float, help="Stop after that long; go on with --resume."),
    _run("--processes", type=int, metavar="N", help="Train in N processes on this machine, each on a GPU of its own."),
    _run("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1 …"),
)


def pretraining_options(*more: Callable[[Any], Any]) -> Callable[[F], F]:
    """Add the options that all commands of pretraining have, behind those of one command."""

    def add(command: F) -> F:
        options: tuple[Callable[[Any], Any], ...] = (*more, *_OPTIONS)
        for option in reversed(options):
            command = option(command)
        return command

    return add


class Common(NamedTuple):
    """What the options ask for."""

    choice: CorpusChoice
    settings: PretrainSettings
    run: RunDirectory
    start: Start


def run_in_processes(options: dict[str, Any], work: Callable[[Common], dict[str, float]]) -> None:
    """Do the work, in as many processes as are asked for; say its figures and where the models are.

    Exits with code 75 where it was asked to stop.
    """
    from korscideberta.collective import is_main
    from korscideberta.training.distributed import process_group
    from korscideberta.training.launcher import Job, launch, this_program
    from korscideberta.training.signals import Interrupted

    arguments = click.get_current_context().find_root().obj or sys.argv[1:]
    job = Job.of(os.environ, options["processes"], options["device"])
    if job is not None:
        sys.exit(launch(job, this_program(arguments)))
    try:
        with process_group(options["device"], _tell) as device:
            common = _common(options, device)
            figures = work(common)
            if is_main():
                for name, value in figures.items():
                    click.echo(f"{name:20} {value:.4f}")
                click.echo(f"run directory: {common.run.path}")
    except Interrupted as stopped:
        sys.exit(_tell(stopped))


def _tell(error: BaseException) -> int:
    """Show why a run ended before its time, and return the exit code."""
    from korscideberta.training.signals import STOPPED, Interrupted

    if isinstance(error, Interrupted):
        click.echo(f"{error}; go on with the same command and --resume", err=True)
        return STOPPED
    return tell(error, debug=logger.isEnabledFor(logging.DEBUG))


def _common(options: dict[str, Any], device: torch.device) -> Common:
    from dataclasses import fields

    from korscideberta.errors import ConfigError
    from korscideberta.precision import resolve_precision
    from korscideberta.pretraining.models import CorpusChoice
    from korscideberta.pretraining.runs import Start
    from korscideberta.pretraining.settings import PretrainSettings
    from korscideberta.run import RunDirectory

    options["precision"] = resolve_precision(options["precision"], device)
    if options["batch_tokens"] is not None:
        if options["batch_size"] is not None:
            raise ConfigError("--batch-size and --batch-tokens exclude each other; give one")
        options["batch_size"] = max(1, options["batch_tokens"] // max(1, options["max_length"]))
    options["batch_size"] = 256 if options["batch_size"] is None else options["batch_size"]
    return Common(
        CorpusChoice(**{field.name: options[field.name] for field in fields(CorpusChoice) if field.name in options}),
        PretrainSettings(
            **{field.name: options[field.name] for field in fields(PretrainSettings) if field.name in options}
        ),
        RunDirectory(options["out"]),
        Start(
            device=device,
            overwrite=options["overwrite"],
            resume=options["resume"],
            max_hours=options["max_hours"],
            progress=Progress("preparing the corpus").share,
        ),
    )
