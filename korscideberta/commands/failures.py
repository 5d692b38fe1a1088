"""What the user sees of an error, and the exit code that goes with it."""

from __future__ import annotations

import traceback

import click

from korscideberta.errors import KorsciError


def tell(error: BaseException, *, debug: bool = False) -> int:
    """Show an error on standard error and return the exit code; a fault of the program, or `debug`, shows it whole."""
    if isinstance(error, click.Abort | KeyboardInterrupt):
        click.echo("stopped", err=True)
        return 130
    if isinstance(error, click.UsageError):
        program = error.ctx.command_path if error.ctx else "korsci"
        return _line(f"{error.format_message()} (see '{program} --help')")
    if isinstance(error, click.ClickException):
        return _line(error.format_message())
    if isinstance(error, KorsciError) and not debug:
        return _line(str(error))
    click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    return 1


def _line(message: str) -> int:
    click.echo(f"error: {' '.join(message.split())}", err=True)
    return 2
