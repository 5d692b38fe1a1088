"""`korsci pretrain embeddings`."""

from __future__ import annotations

from pathlib import Path

import click

from korscideberta.commands.options import PATH, GroupedCommand, option_group
from korscideberta.commands.progress import Progress

_model = option_group("Model")
_run = option_group("Run")


@click.command("embeddings", cls=GroupedCommand)
@_model("--data", type=PATH, required=True, help="Folder from 'korsci pretrain prepare'.")
@_model("--model", default="nano", show_default=True, help="Shape, or JSON file of settings, of the new model.")
@_model("--window", type=int, default=12, show_default=True, help="Tokens to either side that count as near.")
@_model("--seed", type=int, default=42, show_default=True, help="Of all other weights, and of the factorisation.")
@_run("--out", type=PATH, required=True, help="Model folder to write.")
@_run("--overwrite", is_flag=True, help="Replace the folder in --out.")
def command(data: Path, model: str, window: int, seed: int, out: Path, overwrite: bool) -> None:
    """Make a new model whose word embeddings come from which pieces stand near each other in the corpus.

    Minutes of counting spare a small model hours of training. The folder is a model to go on with: 'korsci pretrain
    mlm --model OUT', or to fine-tune at once.

    \b
    Example:
      korsci pretrain embeddings --data data/mine --model nano --out models/start
    """
    from korscideberta.pretraining.starts import write_start

    progress = Progress("counting")
    try:
        pieces, total = write_start(
            data, model, out, window=window, seed=seed, overwrite=overwrite, progress=progress.rows
        )
    finally:
        progress.end()
    click.echo(f"{out}: a new model, {pieces:,} of {total:,} pieces with an embedding from the corpus")
