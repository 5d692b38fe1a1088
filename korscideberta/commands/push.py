"""`korsci push`."""

from __future__ import annotations

from pathlib import Path

import click

from korscideberta.commands.options import PATH


@click.command("push")
@click.argument("run", type=PATH)
@click.argument("repository", metavar="OWNER/NAME")
@click.option("--private", is_flag=True, help="Make a new repository private.")
@click.option("--revision", help="Branch to push to; default: the main one.")
@click.option("--license", "license_name", help="Licence for the card, as the hub calls it (mit, apache-2.0 …).")
@click.option("--dry-run", is_flag=True, help="Push nothing: write what would be pushed into --out and list it.")
@click.option("--out", type=PATH, help="Folder that --dry-run writes.")
def command(
    run: Path,
    repository: str,
    private: bool,
    revision: str | None,
    license_name: str | None,
    dry_run: bool,
    out: Path | None,
) -> None:
    """Publish the finished run RUN on the Hugging Face hub: model, tokenizer and a model card made from the run.

    The token is that of 'hf auth login' or HF_TOKEN. The card names data files by their last name and SHA-256; no path
    of this machine is published.
    """
    import torch

    from korscideberta.errors import ConfigError
    from korscideberta.evaluation.finished import FinishedRun
    from korscideberta.export.push import files_to_push, push, size, write_files

    if dry_run != (out is not None):
        raise ConfigError("--dry-run and --out DIR go together; give both or neither")
    finished = FinishedRun.load(run, device=torch.device("cpu"), precision="float32")
    files = files_to_push(finished, repository, license_name=license_name)
    for name, content in files.items():
        click.echo(f"{size(content):>13,}  {name}")
    if license_name is None:
        click.echo(
            "no --license: the card leaves it unspecified, and nobody may use the model without asking", err=True
        )
    if out is not None:
        write_files(files, out)
        click.echo(f"not pushed; written to {out}")
    else:
        click.echo(push(files, repository, private=private, revision=revision))
