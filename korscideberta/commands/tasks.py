"""`korsci tasks`."""

from __future__ import annotations

import click

_LABELLED = ("sequence", "multi-label", "token")
"""Kinds of heads that have labels."""


@click.command("tasks")
def command() -> None:
    """List what can be trained, and the columns each task reads."""
    from korscideberta import tasks

    width = max(map(len, tasks.names()))
    for name in tasks.names():
        task = tasks.get(name)
        learnt = "labels: learnt from the training file; " if task.head in _LABELLED else ""
        labels = learnt if task.labels is None else f"labels: {len(task.labels)}; "
        click.echo(f"{name:{width}} {task.summary}")
        click.echo(f"{'':{width}}   columns: {task.layout}")
        click.echo(f"{'':{width}}   {labels}best checkpoint by {task.metric}")
