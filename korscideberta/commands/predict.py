"""`korsci predict`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from korscideberta.commands.options import ALLOW_MISMATCH, PATH, PRECISION, GroupedCommand, option_group
from korscideberta.commands.progress import Progress

if TYPE_CHECKING:
    from korscideberta.prediction import Predictor

_data = option_group("Data")
_options = option_group("Options")


@click.command("predict", cls=GroupedCommand)
@click.argument("run", type=PATH)
@click.argument("text", nargs=-1)
@_data("--text-pair", multiple=True, help="Second text of a pair, one for each TEXT.")
@_data("--input", "input_", type=PATH, help="Table to label, with the columns the run was trained on (labels apart).")
@_data(
    "--output", type=PATH, help="JSONL or, of a classifier, CSV or XLSX file to write; default: JSONL to the terminal."
)
@_data(
    "--format",
    "form",
    type=click.Choice(["plain", "official"]),
    default="plain",
    show_default=True,
    help="official: as the task's leaderboard takes it: .tsv for GLUE, .jsonl for SuperGLUE, .json for SQuAD.",
)
@_data("--resume", is_flag=True, help="Go on with an --output (JSONL, CSV) whose making was interrupted.")
@_options("--top-k", type=int, help="How many labels a classifier names; default: 3, or all.")
@_options(
    "--coverage", type=float, metavar="SHARE", help="Also name a set of labels that holds a right one this often."
)
@_options("--calibrated", is_flag=True, help="Probabilities at the temperature fitted on the dev rows.")
@_options("--user-dictionary", type=PATH, help="Where this machine has the user dictionary of the run.")
@_options("--allow-tokenizer-mismatch", is_flag=True, help=ALLOW_MISMATCH)
@_options("--batch-size", type=int, help="Examples a forward pass; default: counted in tokens.")
@_options(
    "--batch-tokens",
    default="auto",
    show_default=True,
    metavar="NUMBER|auto",
    help="Tokens a forward pass; auto: by the free memory.",
)
@_options("--precision", default="auto", show_default=True, help=PRECISION)
@_options("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1 …")
def command(
    run: Path,
    text: tuple[str, ...],
    text_pair: tuple[str, ...],
    input_: Path | None,
    output: Path | None,
    form: str,
    resume: bool,
    top_k: int | None,
    coverage: float | None,
    calibrated: bool,
    user_dictionary: Path | None,
    allow_tokenizer_mismatch: bool,
    batch_size: int | None,
    batch_tokens: str,
    precision: str,
    device: str,
) -> None:
    """Answer for each TEXT, or for each row of --input: of a classifier the likeliest labels with probabilities."""
    from korscideberta.errors import ConfigError
    from korscideberta.prediction import Predictor, PredictorSettings

    if bool(text) == bool(input_):
        raise ConfigError("give either one or more TEXTs or --input FILE")
    if (resume or form == "official") and (input_ is None or output is None):
        raise ConfigError(f"{'--resume' if resume else '--format official'}: give --input FILE and --output FILE")
    predictor = Predictor.load(
        run,
        device=device,
        precision=precision,
        user_dictionary=user_dictionary,
        allow_tokenizer_mismatch=allow_tokenizer_mismatch,
        settings=PredictorSettings(
            top_k=top_k,
            coverage=coverage,
            calibrated=calibrated,
            batch_size=batch_size,
            batch_tokens=_tokens(batch_tokens),
        ),
    )
    if input_ is not None:
        _predict_rows(predictor, input_, output, form, resume)
        return
    if output is not None:
        predictor.run.kind.check_suffix(output)
    examples = _examples(predictor, text, text_pair)
    predictions = [one for _, made in predictor.windows(examples) for one in made]
    if output is not None:
        predictor.run.kind.write(output, examples, predictions, labelled=False)
        return
    for given, prediction in zip(text, predictions, strict=True):
        shown = " ".join(given.split())
        click.echo(shown if len(shown) <= 80 else f"{shown[:79]}…")
        for line in predictor.run.kind.shown(prediction):
            click.echo(f"  {line}")


def _tokens(value: str) -> int | Literal["auto"]:
    from korscideberta.errors import ConfigError

    if value == "auto":
        return "auto"
    if not value.isascii() or not value.isdecimal():
        raise ConfigError(f"--batch-tokens {value}: give a whole number or auto")
    return int(value)


def _examples(predictor: Predictor, text: tuple[str, ...], text_pair: tuple[str, ...]) -> list[Any]:
    from korscideberta.errors import ConfigError

    paired = predictor.run.reads_pairs
    if len(text_pair) != (len(text) if paired else 0):
        raise ConfigError(
            f"--text-pair was given {len(text_pair)} times for {len(text)} texts; "
            + ("give one for each" if paired else "this run reads single texts")
        )
    empty = next((number for number, one in enumerate(text, start=1) if not one.strip()), None)
    if empty is not None:
        raise ConfigError(f"TEXT {empty} is empty")
    examples: list[Any] = predictor.run.kind.from_texts(text, text_pair or (None,) * len(text))
    return examples


def _predict_rows(predictor: Predictor, input_: Path, output: Path | None, form: str, resume: bool) -> None:
    from korscideberta.prediction import predict_file, predicted_lines
    from korscideberta.training.signals import STOPPED, Interrupted

    progress = Progress("predict")
    try:
        if output is None:
            for line in predicted_lines(predictor, input_, progress.rows):
                click.echo(line)
        else:
            predict_file(predictor, input_, output, form=form, resume=resume, progress=progress.rows)
    except Interrupted:
        progress.end()
        click.echo(f"stopped; go on with the same command and --resume, until then see {output}.part", err=True)
        sys.exit(STOPPED)
    finally:
        progress.end()
