"""`korsci run`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

from korscideberta.errors import ConfigError, DependencyError
from korscideberta.nearest import nearest


def experiments_folder() -> Path:
    """Return the folder of launchers: inside the installed package, or at the top of a checkout."""
    package = Path(__file__).parent.parent
    folders = (package / "experiments", package.parent / "experiments")
    for folder in folders:
        if folder.is_dir():
            return folder
    raise ConfigError(f"{folders[0]}: the launchers are missing; install korscideberta again")


def experiment_names(folder: Path) -> dict[str, Path]:
    """Return the launchers by name, `glue/mnli` for `glue/mnli.sh`."""
    return {
        path.relative_to(folder).with_suffix("").as_posix(): path
        for path in sorted(folder.glob("*/*.sh"))
        if not path.name.startswith("_")
    }


@click.command("run", context_settings={"ignore_unknown_options": True})
@click.argument("experiment", required=False)
@click.argument("config", required=False)
@click.argument("extra", nargs=-1, type=click.UNPROCESSED)
@click.option("--list", "list_", is_flag=True, help="List the launchers.")
def command(experiment: str | None, config: str | None, extra: tuple[str, ...], list_: bool) -> None:
    """Run a shell launcher: `korsci run glue/mnli nano -- --data-dir DIR`.

    CONFIG is one of the launcher's configurations; what follows `--` is passed on to it. Without CONFIG the launcher
    prints its configurations.
    """
    folder = experiments_folder()
    launchers = experiment_names(folder)
    if list_ or experiment is None:
        width = max(map(len, launchers))
        for name, path in launchers.items():
            click.echo(f"{name:{width}} {_description(path)}")
        return
    if experiment not in launchers:
        raise ConfigError(f"no experiment {experiment!r}; {nearest(experiment, launchers)}")
    arguments = ["bash", str(launchers[experiment]), *([config] if config else []), *extra]
    # The launcher calls this very program, whichever environment it is installed in.
    environment = {**os.environ, "KORSCI_PYTHON": sys.executable}
    try:
        sys.exit(subprocess.run(arguments, env=environment, check=False).returncode)
    except FileNotFoundError:
        raise DependencyError("bash is not installed; the launchers need it") from None


def _description(path: Path) -> str:
    """The first comment line after the shebang."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((line.lstrip("# ") for line in lines[1:] if line.startswith("#")), "")
