"""`korsci predict`."""

from __future__ import annotations

from pathlib import Path

import click

from korscideberta.commands.options import ALLOW_MISMATCH, PATH, GroupedCommand, option_group

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
@_options("--top-k", type=int, help="How many labels a classifier names; default: 3, or all.")
@_options(
    "--coverage", type=float, metavar="SHARE", help="Also name a set of labels that holds a right one this often."
)
@_options("--calibrated", is_flag=True, help="Probabilities at the temperature fitted on the dev rows.")
@_options("--user-dictionary", type=PATH, help="Where this machine has the user dictionary of the run.")
@_options("--allow-tokenizer-mismatch", is_flag=True, help=ALLOW_MISMATCH)
@_options("--batch-size", type=int, default=64, show_default=True, help="Examples a forward pass.")
@_options("--precision", default="auto", show_default=True, help="auto, float32, bf16 or fp16 (GPU).")
@_options("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1 …")
def command(
    run: Path,
    text: tuple[str, ...],
    text_pair: tuple[str, ...],
    input_: Path | None,
    output: Path | None,
    form: str,
    top_k: int | None,
    coverage: float | None,
    calibrated: bool,
    user_dictionary: Path | None,
    allow_tokenizer_mismatch: bool,
    batch_size: int,
    precision: str,
    device: str,
) -> None:
    """Answer for each TEXT, or for each row of --input: of a classifier the likeliest labels with probabilities."""
    from korscideberta.errors import ConfigError
    from korscideberta.evaluation.confidence import label_sets, scaled
    from korscideberta.evaluation.finished import FinishedRun
    from korscideberta.files import replacing
    from korscideberta.precision import pick_device, resolve_precision

    if bool(text) == bool(input_):
        raise ConfigError("give either one or more TEXTs or --input FILE")
    chosen_device = pick_device(device)
    finished = FinishedRun.load(
        run,
        device=chosen_device,
        precision=resolve_precision(precision, chosen_device),
        user_dictionary=user_dictionary,
        allow_tokenizer_mismatch=allow_tokenizer_mismatch,
    )
    kind = finished.kind
    k = kind.check_top_k(top_k)
    official = finished.task.official
    if form == "official":
        if not official:
            raise ConfigError(f"--format official: none is known for the task {finished.task.name}")
        if output is None or input_ is None or output.suffix.lower() not in official:
            raise ConfigError(
                f"--format official: give --input FILE and an --output FILE ending in {' or '.join(official)}"
            )
    elif output is not None:
        kind.check_suffix(output)
    if input_ is not None:
        examples = finished.task.read(input_, finished.columns, None, False)
    else:
        paired = finished.task.pair or bool(finished.columns and finished.columns.text_pair)
        if len(text_pair) != (len(text) if paired else 0):
            raise ConfigError(
                f"--text-pair was given {len(text_pair)} times for {len(text)} texts; "
                + ("give one for each" if paired else "this run reads single texts")
            )
        empty = next((number for number, one in enumerate(text, start=1) if not one.strip()), None)
        if empty is not None:
            raise ConfigError(f"TEXT {empty} is empty")
        examples = kind.from_texts(text, text_pair or (None,) * len(text))
    outputs = finished.outputs(examples, batch_size, "predict" if input_ else None)
    sets = None if coverage is None else label_sets(finished, outputs, coverage)
    predictions = kind.predictions(examples, scaled(finished, outputs) if calibrated else outputs, k)
    for prediction, chosen in zip(predictions, sets or (), strict=False):
        prediction["set"] = chosen
    if form == "official" and output is not None:
        with replacing(output) as temporary:
            lines = official[output.suffix.lower()](examples, predictions)
            temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    elif output is not None:
        kind.write(output, examples, predictions, labelled=False)
    elif input_ is not None:
        for line in kind.lines(examples, predictions, labelled=False):
            click.echo(line)
    else:
        for one, prediction in zip(text, predictions, strict=True):
            shown = " ".join(one.split())
            click.echo(shown if len(shown) <= 80 else f"{shown[:79]}…")
            for line in kind.shown(prediction):
                click.echo(f"  {line}")
