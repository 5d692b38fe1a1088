"""A command group that imports a command's module only when the command is used."""

from __future__ import annotations

import importlib
from typing import Any

import click

from korscideberta.nearest import nearest


class LazyGroup(click.Group):
    """A group of the commands `names`; the one called NAME is `command` of the module `prefix` + NAME.

    An unknown name is answered with the nearest one, and a call without arguments with the help.
    """

    def __init__(self, *args: Any, names: tuple[str, ...], prefix: str, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.names = names
        self.prefix = prefix

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order given."""
        return list(self.names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, None for an unknown one."""
        if cmd_name not in self.names:
            return None
        command: click.Command = importlib.import_module(f"{self.prefix}{cmd_name}").command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take no arguments for `--help`, which is no error."""
        return super().parse_args(ctx, args or ["--help"])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that `args` begin with; UsageError with the nearest name for an unknown one."""
        if args and not args[0].startswith("-") and args[0] not in self.names:
            raise click.UsageError(f"no command {args[0]!r}; {nearest(args[0], self.names)}", ctx)
        return super().resolve_command(ctx, args)
