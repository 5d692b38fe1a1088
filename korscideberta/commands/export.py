"""`korsci export`: each format in a file of its own, export_NAME.py."""

from __future__ import annotations

import click

from korscideberta.commands.lazy import LazyGroup


@click.group("export", cls=LazyGroup, names=("onnx",), prefix="korscideberta.commands.export_")
def command() -> None:
    """Write a fine-tuned model for other runtimes."""
