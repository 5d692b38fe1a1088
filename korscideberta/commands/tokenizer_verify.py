"""`korsci tokenizer verify`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from korscideberta.commands.options import PATH, open_tokenizer, tokenizer_options

_TEXT_SHOWN = 80


@click.command("verify")
@click.argument("run_or_folder", type=PATH)
@click.option("--reference", type=PATH, required=True, help="JSON Lines with text and input_ids, also .gz or .zst.")
@tokenizer_options
@click.option("--no-special-tokens", is_flag=True, help="The reference has no [CLS] and [SEP].")
@click.option("--show", type=click.IntRange(0), default=5, show_default=True, help="How many differences to show.")
def command(
    run_or_folder: Path,
    reference: Path,
    engine: str | None,
    user_dictionary: Path | None,
    allow_tokenizer_mismatch: bool,
    no_special_tokens: bool,
    show: int,
) -> None:
    """Compare the ids a tokenizer gives with ids made elsewhere; exit 1 when any row differs.

    RUN_OR_FOLDER is a run directory or a folder with spm.model and its JSON files. Where the original tokenizer runs,
    this makes the reference (of texts.txt, a text a line):

    \b
      import json
      from tokenization_korscideberta_v2 import DebertaV2Tokenizer    # the file released with the model
      original = DebertaV2Tokenizer.from_pretrained("kisti/korscideberta")
      for line in open("texts.txt", encoding="utf-8"):
          print(json.dumps({"text": line.rstrip("\\n"), "input_ids": original(line.rstrip("\\n"))["input_ids"]}))
    """
    from korscideberta.tokenization.verify import compare

    tokenizer = open_tokenizer(run_or_folder, engine, user_dictionary, allow_tokenizer_mismatch)
    comparison = compare(tokenizer, reference, show=show, add_special_tokens=not no_special_tokens)
    click.echo(f"{comparison.agreeing:,} of {comparison.rows:,} rows agree (engine {tokenizer.recipe.engine})")
    for difference in comparison.differences:
        text = " ".join(difference.text.split())
        click.echo(f"line {difference.line}: {text if len(text) <= _TEXT_SHOWN else f'{text[:_TEXT_SHOWN]}…'}")
        click.echo(f"  first difference at token {difference.position}; from token {difference.start} on:")
        click.echo(f"  expected  {' '.join(difference.expected)}")
        click.echo(f"  found     {' '.join(difference.found)}")
    if comparison.agreeing_otherwise:
        click.echo(f"{comparison.agreeing_otherwise:,} more rows agree but for special tokens; see --no-special-tokens")
    sys.exit(0 if comparison.agreeing == comparison.rows else 1)
