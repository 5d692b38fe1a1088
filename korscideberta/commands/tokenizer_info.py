"""`korsci tokenizer info`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from korscideberta.commands.options import PATH, open_tokenizer, tokenizer_options


@click.command("info")
@click.argument("run_or_folder", type=PATH)
@tokenizer_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    run_or_folder: Path,
    engine: str | None,
    user_dictionary: Path | None,
    allow_tokenizer_mismatch: bool,
    as_json: bool,
) -> None:
    """Show what decides the ids that a tokenizer gives.

    RUN_OR_FOLDER is a run directory or a folder with spm.model and its JSON files.
    """
    from korscideberta.tokenization.info import describe

    facts = describe(open_tokenizer(run_or_folder, engine, user_dictionary, allow_tokenizer_mismatch))
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2))
        return
    for name, value in facts.items():
        click.echo(f"{name.replace('_', ' '):20} {_shown(value)}")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{name} {token['token']} = {token['id']}" for name, token in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else json.dumps(value) if value in ("", " ") else str(value)
