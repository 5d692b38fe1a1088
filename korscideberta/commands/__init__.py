"""The `korsci` command line. Each command has a file of its own; heavy imports wait until a command runs."""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn

import click

from korscideberta._version import __version__
from korscideberta.commands.failures import tell
from korscideberta.commands.lazy import LazyGroup
from korscideberta.errors import KorsciError

_COMMANDS = (
    "audit",
    "baseline",
    "compare",
    "convert",
    "cv",
    "doctor",
    "eval",
    "export",
    "models",
    "predict",
    "pretrain",
    "push",
    "report",
    "run",
    "tasks",
    "tokenizer",
    "train",
)


@click.group(
    cls=LazyGroup,
    names=_COMMANDS,
    prefix="korscideberta.commands.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="korsci")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option("--quiet", is_flag=True, help="Show warnings and errors only.")
def korsci(debug: bool, quiet: bool) -> None:
    """Fine-tune, evaluate and use DeBERTa-v2 models on Korean science and technology text."""
    # Other libraries speak at the level of warnings: the hub's client would tell every request.
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("korscideberta").setLevel(logging.WARNING if quiet else logging.DEBUG if debug else logging.INFO)


def main(args: list[str] | None = None) -> NoReturn:
    """Run the program and exit; an error the user can mend is one line and exit code 2."""
    arguments = sys.argv[1:] if args is None else args
    # Read by torch when it is loaded: huge pages for large tensors. Without them a gradient of all embeddings, made
    # anew for every update, costs a hundred thousand page faults each time.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    try:
        code = korsci.main(args=arguments, prog_name="korsci", standalone_mode=False, obj=arguments)
    except (click.ClickException, click.Abort, KeyboardInterrupt, KorsciError) as error:
        if isinstance(error, click.UsageError) and os.environ.get("RANK", "0") != "0":
            sys.exit(2)  # each of several processes is given the same arguments: one says what is wrong with them
        sys.exit(tell(error, debug="--debug" in arguments))
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; a second error while closing the stream is kept quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(code if isinstance(code, int) else 0)
