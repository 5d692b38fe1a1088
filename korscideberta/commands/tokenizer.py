"""`korsci tokenizer`: each command in a file of its own, tokenizer_NAME.py."""

from __future__ import annotations

import click

from korscideberta.commands.lazy import LazyGroup

_COMMANDS = ("encode", "info", "train", "userdict", "verify")


@click.group("tokenizer", cls=LazyGroup, names=_COMMANDS, prefix="korscideberta.commands.tokenizer_")
def command() -> None:
    """Make, check, inspect and use tokenizers."""
