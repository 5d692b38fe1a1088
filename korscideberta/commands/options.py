"""Option groups in help texts, and the options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from korscideberta.tasks import Task
    from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

F = TypeVar("F", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)
ALLOW_MISMATCH = "Warn, do not refuse, where the tokenizer gives other ids than the model was trained on."
PRECISION = "auto, float32, bf16, int8 (CPU) or fp16 (GPU); auto on a CPU tries once what is fast and near float32."


class GroupedOption(click.Option):
    """An option listed under the heading `group`."""

    def __init__(self, *args: Any, group: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group


class GroupedCommand(click.Command):
    """A command whose help lists its options under the headings of their groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one definition list a group, in the order in which groups first occur."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                groups.setdefault(getattr(parameter, "group", "Options"), []).append(record)
        for heading, records in groups.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def option_group(heading: str) -> Callable[..., Callable[[F], F]]:
    """Return a stand-in for `click.option` that puts options under `heading`."""

    def option(*names: str, **attributes: Any) -> Callable[[F], F]:
        return click.option(*names, cls=GroupedOption, group=heading, **attributes)

    return option


def field_options(heading: str) -> Callable[[F], F]:
    """Return what adds the options that alter the labels of a task, which `choose_task` takes."""
    option = option_group(heading)
    options = (
        option("--level", help="Level of the fields that are the labels: large, middle, small, or all at once."),
        option(
            "--taxonomy",
            type=PATH,
            help="Table of fields with the columns code, name, parent; default: the 33 large ones, and of others those "
            "in the training rows.",
        ),
        option(
            "--merge-rare",
            type=int,
            default=0,
            metavar="N",
            help="Read labels that fewer than N training rows have as one, other.",
        ),
    )

    def add(command: F) -> F:
        for one in reversed(options):
            command = one(command)
        return command

    return add


def choose_task(name: str, options: Mapping[str, Any]) -> Task:
    """Return the task of that name, altered as the options of the command say."""
    from korscideberta import tasks

    if options["task_file"] is not None:
        tasks.load_task_file(options["task_file"])
    chosen = tasks.get(name)
    if options.get("multi_label"):
        chosen = tasks.multi_label(chosen)
    return tasks.with_fields(chosen, options["level"], options["taxonomy"])


def parse_columns(text: str | None, label: str | None, text_pair: str | None, identity: str | None) -> Any:
    """Return the `Columns` chosen with --text, --label, --text-pair and --id; None when none was given."""
    from korscideberta.data.examples import Columns
    from korscideberta.errors import ConfigError

    if text is None:
        if label or text_pair or identity:
            raise ConfigError("--label, --text-pair and --id go with --text; name the text columns too")
        return None
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise ConfigError(f"--text {text!r}: name one or more columns, separated by commas")
    return Columns(text=names, label=label, text_pair=text_pair, id=identity)


def tokenizer_options(command: F) -> F:
    """Add the options that `open_tokenizer` takes."""
    for option in (
        click.option("--allow-tokenizer-mismatch", is_flag=True, help=ALLOW_MISMATCH),
        click.option("--user-dictionary", type=PATH, help="Another user dictionary than the recorded one."),
        click.option("--engine", help="Another analyser than the recorded one: mecab, mecab-ko or none."),
    ):
        command = option(command)
    return command


def open_tokenizer(
    run_or_folder: Path,
    engine: str | None = None,
    user_dictionary: Path | None = None,
    allow_tokenizer_mismatch: bool = False,
) -> DebertaV2Tokenizer:
    """Return the tokenizer of a run directory or of a model or tokenizer folder."""
    from korscideberta.run import RunDirectory
    from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

    run = RunDirectory(run_or_folder)
    return DebertaV2Tokenizer.from_pretrained(
        run.model if run.settings_file.is_file() else run_or_folder,
        engine=engine,
        user_dictionary=user_dictionary,
        allow_mismatch=allow_tokenizer_mismatch,
    )
