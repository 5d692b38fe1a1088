"""`korsci tokenizer`: each command in a file of its own, tokenizer_NAME.py."""

from __future__ import annotations

import click

from korscideberta.commands.lazy import LazyGroup

_COMMANDS = ("info", "userdict")


@click.group("tokenizer", cls=LazyGroup, names=_COMMANDS, prefix="korscideberta.commands.tokenizer_")
def command() -> None:
    """Make and inspect tokenizers."""
