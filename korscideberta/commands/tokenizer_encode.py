"""`korsci tokenizer encode`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from korscideberta.commands.options import PATH, open_tokenizer, tokenizer_options


@click.command("encode")
@click.argument("run_or_folder", type=PATH)
@click.option(
    "--input", "input_", type=PATH, default="-", help="Text or JSON Lines, also .gz or .zst; - is the terminal."
)
@click.option("--output", type=PATH, default="-", help="File to write; - is the terminal.")
@click.option("--format", "format_", default="ids", show_default=True, help="ids, pieces or jsonl (text, input_ids).")
@click.option("--field", default="text", show_default=True, help="Key of the text in JSON Lines.")
@click.option("--max-length", type=int, help="Cut longer rows to this many tokens; default: rows stay whole.")
@click.option("--no-special-tokens", is_flag=True, help="Leave out [CLS] and [SEP].")
@tokenizer_options
@click.option("--workers", type=int, help="Processes; default: one a processor for a file, one for the terminal.")
def command(
    run_or_folder: Path,
    input_: Path,
    output: Path,
    format_: str,
    field: str,
    max_length: int | None,
    no_special_tokens: bool,
    engine: str | None,
    user_dictionary: Path | None,
    allow_tokenizer_mismatch: bool,
    workers: int | None,
) -> None:
    """Encode each line of --input, in order, to a line of --output.

    RUN_OR_FOLDER is a run directory or a folder with spm.model and its JSON files. Memory does not grow with the input.
    Rows of --format jsonl are what 'korsci tokenizer verify' compares with.
    """
    from korscideberta.files import replacing
    from korscideberta.tokenization.corpus import STDIN
    from korscideberta.tokenization.encode_stream import encode_stream
    from korscideberta.tokenization.processes import cpu_count

    tokenizer = open_tokenizer(run_or_folder, engine, user_dictionary, allow_tokenizer_mismatch)
    if workers is None:
        workers = 1 if input_ == STDIN else cpu_count()
    lines = encode_stream(
        tokenizer,
        input_,
        format_,
        field=field,
        max_length=max_length,
        add_special_tokens=not no_special_tokens,
        workers=workers,
    )
    if output == STDIN:
        for content in lines:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        return
    with replacing(output) as temporary, temporary.open("wb") as file:
        file.writelines(lines)
