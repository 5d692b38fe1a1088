"""`korsci report`."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from korscideberta.commands.options import PATH

logger = logging.getLogger(__name__)


@click.command("report")
@click.argument("runs", metavar="RUN…", type=PATH, nargs=-1, required=True)
@click.option("--out", type=PATH, help="HTML file to write; default: report.html in the first RUN.")
@click.option("--language", default="ko", show_default=True, help="ko or en.")
@click.option("--split", help="Split to look into; default: test where the run has it, else dev.")
@click.option("--examples", type=int, default=20, show_default=True, help="Errors shown; 0 leaves all texts out.")
@click.option("--attribution/--no-attribution", default=True, help="Mark the words that mattered in the errors.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1 …")
def command(
    runs: tuple[Path, ...],
    out: Path | None,
    language: str,
    split: str | None,
    examples: int,
    attribution: bool,
    device: str,
) -> None:
    """Write the finished classification runs RUN… as one HTML file that opens without a network.

    One run is looked into: figures with intervals, learning curves, confusion, every label, calibration, errors with
    the words that mattered, length of texts, fingerprints and the command that repeats it. Several are compared first.
    Errors and lengths need the data files of the run, unchanged; without them the report goes without.
    """
    from korscideberta.errors import ConfigError
    from korscideberta.evaluation.report.build import build
    from korscideberta.evaluation.report.words import Words
    from korscideberta.precision import pick_device

    if examples < 0:
        raise ConfigError(f"--examples {examples}: must not be negative")
    words = Words(language)
    target = out or runs[0] / "report.html"
    size = build(
        runs, target, words, split=split, examples=examples, attribution=attribution, device=pick_device(device)
    )
    click.echo(f"{target}  {size / 1e6:.1f} MB")
