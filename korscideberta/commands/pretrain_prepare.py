"""`korsci pretrain prepare`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from korscideberta.commands.options import PATH, GroupedCommand, option_group
from korscideberta.commands.progress import Progress

_corpus = option_group("Corpus")
_cleaning = option_group("Cleaning")
_run = option_group("Run")


def parse_shares(values: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    """Read `NAME=SHARE` options."""
    from korscideberta.errors import ConfigError

    shares = []
    for value in values:
        name, _, share = value.rpartition("=")
        try:
            shares.append((name, float(share)))
        except ValueError:
            raise ConfigError(f"--share {value}: give NAME=SHARE, such as 'statutes*=0.2'") from None
    return tuple(shares)


@click.command("prepare", cls=GroupedCommand)
@click.argument("corpus", nargs=-1, required=True)
@_corpus("--tokenizer", required=True, help="Tokenizer's or model's folder, or hub repository.")
@_corpus("--document", default="line", show_default=True, help="In plain text: line, or blank for up to a blank line.")
@_corpus("--field", default="text", show_default=True, help="Key of the text in JSON Lines; a record is a document.")
@_corpus("--skip-bad", is_flag=True, help="Count what cannot be read and go on; bytes that are not UTF-8 are dropped.")
@_corpus("--share", multiple=True, metavar="NAME=SHARE", help="Take a share of the files of that name ('a*.gz=0.2').")
@_corpus("--seed", type=int, default=0, show_default=True, help="Of those samples.")
@_corpus("--valid-share", type=float, default=0.005, show_default=True, help="Share of documents to validate on.")
@_cleaning(
    "--control-characters/--keep-control-characters", default=True, show_default=True, help="Drop invisible ones."
)
@_cleaning("--broken-spacing/--keep-broken-spacing", default=True, show_default=True, help="Drop lines as '에 대 한'.")
@_cleaning(
    "--min-hangul", type=float, default=0.25, show_default=True, help="Least share of Hangul among letters; 0: any."
)
@_cleaning("--min-characters", type=int, default=1, show_default=True, help="Drop shorter documents.")
@_cleaning("--boilerplate", type=int, default=10, show_default=True, help="Keep a line so frequent once; 0: keep all.")
@_cleaning("--duplicates/--keep-duplicates", default=True, show_default=True, help="Drop repeated documents.")
@_cleaning(
    "--near-duplicates/--keep-near-duplicates", default=True, show_default=True, help="Also almost repeated ones."
)
@_run("--out", type=PATH, required=True, help="Folder to write.")
@_run("--workers", type=int, help="Processes that clean and encode; default: one a processor.")
@_run("--overwrite", is_flag=True, help="Replace the corpus in --out; begin without the work in OUT.work.")
def command(corpus: tuple[str, ...], tokenizer: str, out: Path, workers: int | None, **options: Any) -> None:
    """Clean and encode CORPUS for pretraining: files or quoted globs of plain text (.txt) or JSON Lines (.jsonl), also
    compressed (.gz, .zst).

    Training reads the result from the disk, in rows of any length. Files are read piece by piece, lines of any length
    included. A call that was stopped goes on where it was when it is repeated; the result is the same, and the same for
    any number of workers.

    \b
    Example:
      korsci pretrain prepare 'texts/*.txt.gz' --tokenizer tokenizers/mine --out data/mine
    """
    from dataclasses import fields

    from korscideberta.pretraining.cleaning import Cleaning
    from korscideberta.pretraining.documents import DocumentFormat
    from korscideberta.pretraining.prepare import describe, prepare_corpus
    from korscideberta.pretraining.work import PrepareSettings
    from korscideberta.tokenization.corpus import CorpusFormat, find_corpus
    from korscideberta.tokenization.processes import cpu_count
    from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

    cleaning = Cleaning(**{field.name: options[field.name] for field in fields(Cleaning)})
    reading = CorpusFormat(field=options["field"], skip_bad=options["skip_bad"])
    settings = PrepareSettings(
        form=DocumentFormat(reading=reading, document=options["document"]),
        cleaning=cleaning,
        valid_share=options["valid_share"],
        shares=parse_shares(options["share"]),
        seed=options["seed"],
    )
    shown, stages = Progress("cleaning and encoding"), Progress("prepare")

    def on_stage(stage: str) -> None:
        shown.end()
        stages.note(stage)

    try:
        prepared = prepare_corpus(
            find_corpus(corpus),
            out,
            DebertaV2Tokenizer.from_pretrained(tokenizer),
            settings,
            workers=cpu_count() if workers is None else workers,
            overwrite=options["overwrite"],
            on_reading=shown.share,
            on_stage=on_stage,
        )
    except KeyboardInterrupt:
        click.echo("\nstopped; the same command goes on with what is done", err=True)
        sys.exit(130)
    finally:
        shown.end()
        stages.end()
    for line in describe(prepared):
        click.echo(line)
    click.echo(f"prepared corpus: {out}")
