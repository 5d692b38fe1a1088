"""`korsci pretrain`: each command in a file of its own, pretrain_NAME.py."""

from __future__ import annotations

import click

from korscideberta.commands.lazy import LazyGroup

_COMMANDS = ("embeddings", "mlm", "prepare", "rtd")


@click.group("pretrain", cls=LazyGroup, names=_COMMANDS, prefix="korscideberta.commands.pretrain_")
def command() -> None:
    """Prepare a corpus and train language models on it."""
