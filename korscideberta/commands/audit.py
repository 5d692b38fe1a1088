"""`korsci audit`."""

from __future__ import annotations

from pathlib import Path

import click

from korscideberta.commands.options import PATH


@click.command("audit")
@click.argument("run", type=PATH)
@click.option("--output", type=PATH, help="CSV or XLSX file for all of them, with their texts.")
@click.option("--show", type=click.IntRange(min=0), default=10, show_default=True, help="How many to print.")
def command(run: Path, output: Path | None, show: int) -> None:
    """List documents of RUN whose labels are likely wrong, the likeliest first.

    RUN is one of 'korsci cv', or of 'korsci baseline' on folds: each document is judged by a model that was not trained
    on it. What is listed is to be looked at, not to be changed unseen.
    """
    from korscideberta.evaluation.audit import audit, write_suspects

    suspects = audit(run)
    if output is not None:
        write_suspects(output, suspects)
    for one in suspects[:show]:
        text = " ".join(one.text.split())
        click.echo(
            f"{one.id}: {one.given} ({one.given_probability:.1%}) → {one.suggested} ({one.suggested_probability:.1%})"
        )
        click.echo(f"  {text if len(text) <= 100 else f'{text[:99]}…'}")
    click.echo(f"{len(suspects):,} documents are likely mislabelled" + (f"; written to {output}" if output else ""))
