"""`korsci pretrain mlm`."""

from __future__ import annotations

from typing import Any

import click

from korscideberta.commands.options import PATH, GroupedCommand
from korscideberta.commands.pretrain_options import (
    masking_option,
    model_option,
    pretraining_options,
    run_in_processes,
)


@click.command("mlm", cls=GroupedCommand)
@pretraining_options(
    model_option(
        "--model",
        default="nano",
        show_default=True,
        help="Shape, or JSON file of settings, to train from scratch; or a folder or hub repository to go on with.",
    ),
    model_option(
        "--extend-vocabulary",
        type=PATH,
        metavar="WORDS",
        help="File of words, one a line, that get a piece each; with --corpus and a model to go on with.",
    ),
    masking_option("--max-ngram", type=int, default=3, show_default=True, help="Most units masked in a row."),
    masking_option(
        "--sentence-order",
        type=float,
        default=0.0,
        show_default=True,
        metavar="FACTOR",
        help="Also predict whether the two segments of a row have changed places; factor on that loss.",
    ),
)
def command(**options: Any) -> None:
    """Pretrain a masked language model, or go on with one, and write a run directory.

    --corpus prepares files of text with the usual cleaning and the model's tokenizer into the folder OUT.data first,
    which is how a released model is adapted to texts of one's own.

    SIGINT, SIGTERM, SIGUSR1 and the end of --max-hours save the state after the running step and exit with code 75;
    the same command with --resume goes on to the same result, also after a kill. Several processes share every batch,
    as in 'korsci train'.

    \b
    Examples:
      korsci pretrain mlm --data data/mine --model nano --max-steps 20000 --batch-size 64 --out runs/mine
      korsci pretrain mlm --model kisti/korscideberta --corpus mine.txt --max-steps 5000 --out runs/adapted
    """
    from korscideberta.pretraining.runs import train_masked_lm

    run_in_processes(
        options,
        lambda common: train_masked_lm(
            common.choice,
            options["model"],
            common.settings,
            common.run,
            common.start,
            attention=options["attention"],
        ),
    )
