"""`korsci compare`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from korscideberta.commands.options import PATH


@click.command("compare")
@click.argument("runs", type=PATH, nargs=-1, required=True)
@click.option("--split", type=click.Choice(["oof", "test", "dev"]), help="Default: the first of these that a run has.")
@click.option("--metric", help="The figure that the verdict is about; default: the task's.")
@click.option(
    "--level",
    type=click.Choice(["large", "middle", "small"]),
    help="Level of the fields compared; default: the lowest that all RUNS have predictions of.",
)
@click.option("--groups", type=PATH, help="CSV with id and group; default: groups.csv of the first run that has one.")
@click.option("--resamples", type=click.IntRange(min=100), default=2000, show_default=True, help="Of the bootstrap.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the resamples.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--output", type=PATH, help="Also write everything to this JSON file.")
def command(
    runs: tuple[Path, ...],
    split: str | None,
    metric: str | None,
    level: str | None,
    groups: Path | None,
    resamples: int,
    seed: int,
    as_json: bool,
    output: Path | None,
) -> None:
    """Compare the first of RUNS with each of the others on the documents that all have predicted.

    Differences come with the interval and p-value of a paired bootstrap over groups of near-duplicates, and McNemar's
    test; with several comparisons the p-values of the verdicts are corrected (Holm).

    \b
    Examples:
      korsci compare runs/cv runs/baseline/tfidf-char runs/baseline/tfidf-morph
      korsci compare runs/a runs/b --split test --metric f1_macro --json
      korsci compare runs/all-levels runs/large-alone --level large
    """
    from korscideberta.evaluation.compare import compare
    from korscideberta.evaluation.comparison_text import comparison_text
    from korscideberta.files import write_json

    report = compare(runs, split=split, metric=metric, level=level, groups=groups, resamples=resamples, seed=seed)
    if output is not None:
        write_json(output, report.to_json())
    click.echo(json.dumps(report.to_json(), ensure_ascii=False, indent=2) if as_json else comparison_text(report))
