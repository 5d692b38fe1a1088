"""`korsci cv`."""

from __future__ import annotations

import sys
from typing import Any

import click

from korscideberta.commands.options import PATH, GroupedOption, choose_task, option_group, parse_columns
from korscideberta.commands.train import TrainCommand, choose_batches, choose_seeds, settings_from
from korscideberta.commands.train import command as train

_data = option_group("Data")
_folds = option_group("Folds")
_run = option_group("Run")

_NOT_OF_FOLDS = ("task", "train", "dev", "test", "multi_label", "dry_run", "config", "processes")


def fold_options(command: Any) -> Any:
    """Add the options that say how documents are divided."""
    for option in reversed(
        (
            _folds("--folds", type=int, default=5, show_default=True, help="How many."),
            _folds("--fold-seed", type=int, default=42, show_default=True, help="Of the division."),
            _folds("--group", metavar="COLUMN", help="Rows with the same cell here stay together too."),
            _folds(
                "--threshold",
                type=float,
                default=0.8,
                show_default=True,
                help="Similarity (Jaccard, of shingles) from which texts stay together; 0: whatever it is.",
            ),
            _folds("--shingle", type=int, default=5, show_default=True, help="Characters of a shingle."),
        )
    ):
        command = option(command)
    return command


@click.command("cv", cls=TrainCommand)
@click.argument("task")
@_data("--data", type=PATH, multiple=True, help="File of documents; repeat for several. Splits they name do not count.")
@fold_options
@_run("--refit", is_flag=True, help="Last train one model on all documents, in OUT/final.")
def command(task: str, **options: Any) -> None:
    """Test a model on every document of TASK, trained on the others: stratified folds that part no near-duplicates.

    A share of each fold's training rows, again in whole groups, selects the checkpoint. OUT holds a run directory a
    fold, groups.csv, predictions-oof.csv (each document once) and metrics.json with 95 % intervals over groups.

    SIGINT, SIGTERM and SIGUSR1 save the state and exit with code 75; the same command with --resume goes on, fold by
    fold, to the same result, also after a kill.

    \b
    Examples:
      korsci cv classify --data papers.csv --text title,abstract --label field --out runs/cv
      korsci cv papers --seeds 1 2 3 --refit --out runs/papers-cv
    """
    from korscideberta.data.cache import cache_folder
    from korscideberta.evaluation.crossval import cross_validate
    from korscideberta.evaluation.folds import FoldOptions, plan_folds
    from korscideberta.evaluation.tables import interval_table, spread_table
    from korscideberta.precision import pick_device
    from korscideberta.run import RunDirectory
    from korscideberta.training.finetune import Source, find_files
    from korscideberta.training.signals import STOPPED, Interrupted

    if options["out"] is None:
        raise click.UsageError("Missing option '--out'.")
    chosen = choose_task(task, options)
    choose_batches(options)
    choose_seeds(options)
    device = pick_device(options["device"])
    settings, choice = settings_from(options, device)
    source = Source(
        files=find_files(chosen, {"train": options["data"]}),
        columns=parse_columns(options["text"], options["label"], options["text_pair"], options["id"]),
        cache=cache_folder() if options["cache"] else None,
        dev_share=options["dev_share"],
        merge_rare=options["merge_rare"],
    )
    run = RunDirectory(options["out"])
    run.check(overwrite=options["overwrite"], resume=options["resume"])
    plan = plan_folds(chosen, source, FoldOptions(**{name: options[name] for name in FoldOptions.__dataclass_fields__}))
    seeds = options["seeds"] or (options["seed"],)
    begin = {"device": device, "overwrite": options["overwrite"], "resume": options["resume"]}
    try:
        figures = cross_validate(plan, source, choice, settings, seeds, run, refit=options["refit"], **begin)
    except Interrupted as stopped:
        click.echo(f"{stopped}; go on with the same command and --resume", err=True)
        sys.exit(STOPPED)
    click.echo(spread_table(figures, seeds) if len(seeds) > 1 else interval_table(figures))
    click.echo(f"run directory: {run.path}")


command.params += [
    parameter
    for parameter in train.params
    if isinstance(parameter, GroupedOption) and parameter.name not in _NOT_OF_FOLDS
]
