"""`korsci tokenizer userdict`."""

from __future__ import annotations

from pathlib import Path

import click

from korscideberta.commands.options import PATH


@click.command("userdict")
@click.argument("nouns", nargs=-1, required=True, type=PATH)
@click.option("--out", type=PATH, required=True, help="File to write, user.dic for example.")
@click.option("--pos", default="NNP", show_default=True, help="Part of speech of the words of a .txt file.")
@click.option(
    "--cost",
    type=int,
    help="Cost of words and of rows without one; the lower, the likelier a word is kept whole. Default: what the "
    "dictionary's model gives, 2953 for most proper nouns.",
)
@click.option("--dictionary", default="mecab-ko-dic", show_default=True, help="System dictionary: that, or a folder.")
@click.option("--skip-bad", is_flag=True, help="Leave out rows that cannot be used, instead of refusing the file.")
def command(nouns: tuple[Path, ...], out: Path, pos: str, cost: int | None, dictionary: str, skip_bad: bool) -> None:
    """Compile the nouns that the analyser is to keep whole into a user dictionary.

    NOUNS are files that end in .txt, with one word a line, or in .csv, with rows of MeCab (surface, left id, right id,
    cost and the 8 or 9 features of mecab-ko-dic; ids and cost may be blank). UTF-8.

    \b
    Example:
      korsci tokenizer userdict nouns.txt --out user.dic
      korsci train papers --user-dictionary user.dic --out runs/papers
    """
    from korscideberta.tokenization.userdict import compile_user_dictionary

    report = compile_user_dictionary(
        nouns, out, dictionary=dictionary, pos=pos, cost=cost, skip_bad=skip_bad, progress=True
    )
    for count, what, first in (
        (report.duplicates, "dropped as duplicates", report.first_duplicates),
        (report.normalized, "normalised as texts are", report.first_normalized),
        (report.skipped, "left out", report.first_skipped),
    ):
        if count:
            shown = "; ".join(first) + ("; …" if count > len(first) else "")
            click.echo(f"{count:,} {what}: {shown}", err=True)
    click.echo(f"{report.path}: {report.words:,} words, {report.size / 1e6:.1f} MB, sha256 {report.sha256}")
