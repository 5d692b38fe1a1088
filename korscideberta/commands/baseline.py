"""`korsci baseline`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from korscideberta.commands.cv import fold_options
from korscideberta.commands.options import PATH, GroupedCommand, choose_task, field_options, option_group, parse_columns

_data = option_group("Data")
_baseline = option_group("Baseline")
_run = option_group("Run")

KINDS = ("majority", "tfidf-char", "tfidf-morph")


@click.command("baseline", cls=GroupedCommand)
@click.argument("task", required=False)
@_data("--like", type=PATH, help="A run of 'korsci cv' or 'korsci train': its task, data and folds.")
@_data("--data", type=PATH, multiple=True, help="File of documents to divide into folds; repeat for several.")
@_data("--train", type=PATH, multiple=True, help="Training file, instead of folds; repeat for several.")
@_data("--dev", type=PATH, multiple=True, help="File to score.")
@_data("--test", type=PATH, multiple=True, help="File to score.")
@_data("--task-file", type=PATH, help="Python file that registers TASK.")
@_data("--text", help="Text columns, separated by commas; joined with a line break.")
@_data("--label", help="Label column.")
@_data("--text-pair", help="Column of the second text of a pair.")
@_data("--id", help="Column that identifies a row; default: the row number.")
@field_options("Data")
@fold_options
@_baseline("--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="Repeat for several; default: all.")
@_baseline("--engine", default="mecab", show_default=True, help="Morphological analyser of tfidf-morph.")
@_baseline("--top-k", type=int, default=3, show_default=True, help="How many labels a prediction may name.")
@_run("--out", type=PATH, required=True, help="Folder to write; a run directory a kind in it.")
@_run("--overwrite", is_flag=True, help="Delete what an earlier call wrote in --out first.")
def command(task: str | None, **options: Any) -> None:
    """Score the majority class and TF-IDF + logistic regression on TASK, on folds or on its dev and test rows.

    The same options give the same folds as 'korsci cv'; --like takes them, with task and data, from a run. Each kind
    writes the predictions and metrics.json of a run, which 'korsci compare' takes.

    \b
    Examples:
      korsci baseline --like runs/cv --out runs/baseline
      korsci baseline classify --train a.csv --test b.csv --text title --label field --out runs/baseline
    """
    from korscideberta.errors import ConfigError
    from korscideberta.evaluation.baseline_runs import Baseline, like, score_folds, score_splits
    from korscideberta.evaluation.folds import FoldOptions, plan_folds
    from korscideberta.evaluation.tables import figures_table, interval_table
    from korscideberta.training.finetune import Source, find_files

    splits = {split: options[split] for split in ("train", "dev", "test")}
    columns = parse_columns(options["text"], options["label"], options["text_pair"], options["id"])
    fold_settings: FoldOptions | None
    if options["like"] is not None:
        altered = any(options[name] for name in ("data", "level", "taxonomy", "merge_rare"))
        if task or columns or altered or any(splits.values()):
            raise ConfigError("--like takes task, files and columns from the run; leave them out")
        chosen, source, fold_settings = like(options["like"])
    else:
        if task is None:
            raise click.UsageError("Missing argument 'TASK', or --like RUN.")
        chosen = choose_task(task, options)
        if any(splits.values()) and options["data"]:
            raise ConfigError("give either --data, to be divided into folds, or --train with --dev or --test")
        given = any(splits.values())
        source = Source(
            files=find_files(chosen, splits if given else {"train": options["data"]}),
            columns=columns,
            merge_rare=options["merge_rare"],
        )
        chosen_folds = FoldOptions(**{name: options[name] for name in FoldOptions.__dataclass_fields__})
        fold_settings = None if given else chosen_folds
    plan = plan_folds(chosen, source, fold_settings) if fold_settings else None
    out: Path = options["out"]
    for kind in options["kinds"] or KINDS:
        baseline = Baseline(kind=kind, engine=options["engine"], top_k=options["top_k"])
        folder = out / kind
        if plan is not None:
            table = interval_table(score_folds(plan, source, baseline, folder, overwrite=options["overwrite"]))
        else:
            table = figures_table(score_splits(chosen, source, baseline, folder, overwrite=options["overwrite"]))
        click.echo(f"{kind}\n{table}\nrun directory: {folder}\n")
