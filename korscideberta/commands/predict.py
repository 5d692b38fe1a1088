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
@_data("--output", type=PATH, help="JSONL or CSV file to write, by its ending; default: JSONL to the terminal.")
@_options("--top-k", type=int, default=3, show_default=True, help="How many labels to name.")
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
    top_k: int,
    user_dictionary: Path | None,
    allow_tokenizer_mismatch: bool,
    batch_size: int,
    precision: str,
    device: str,
) -> None:
    """Name the likeliest labels of each TEXT, or of each row of --input, with their probabilities."""
    from korscideberta.data.examples import Example
    from korscideberta.errors import ConfigError
    from korscideberta.evaluation.finished import FinishedRun
    from korscideberta.precision import pick_device, resolve_precision
    from korscideberta.predictions import WRITERS, json_lines, top_labels

    if bool(text) == bool(input_):
        raise ConfigError("give either one or more TEXTs or --input FILE")
    if output is not None and output.suffix.lower() not in WRITERS:
        raise ConfigError(f"--output {output}: the ending must be {' or '.join(WRITERS)}")
    chosen_device = pick_device(device)
    finished = FinishedRun.load(
        run,
        device=chosen_device,
        precision=resolve_precision(precision, chosen_device),
        user_dictionary=user_dictionary,
        allow_tokenizer_mismatch=allow_tokenizer_mismatch,
    )
    finished.check_top_k(top_k)
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
        seconds = text_pair or (None,) * len(text)
        examples = [
            Example(id=str(number), text=first, text_pair=second)
            for number, (first, second) in enumerate(zip(text, seconds, strict=True), start=1)
        ]
    logits = finished.logits(examples, batch_size, "predict" if input_ else None)
    best = top_labels(logits, finished.labels, top_k)
    if output is not None:
        WRITERS[output.suffix.lower()](output, examples, best)
    elif input_ is not None:
        for line in json_lines(examples, best):
            click.echo(line)
    else:
        for example, row in zip(examples, best, strict=True):
            shown = " ".join(example.text.split())
            click.echo(shown if len(shown) <= 80 else f"{shown[:79]}…")
            for label, share in row:
                click.echo(f"  {share:6.1%}  {finished.task.display(label)}")
