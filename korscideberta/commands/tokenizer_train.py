"""`korsci tokenizer train`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from korscideberta.commands.options import PATH, GroupedCommand, option_group
from korscideberta.commands.progress import Progress

_corpus = option_group("Corpus")
_vocabulary = option_group("Vocabulary")
_run = option_group("Run")


@click.command("train", cls=GroupedCommand)
@click.argument("corpus", nargs=-1, required=True)
@_corpus("--field", default="text", show_default=True, help="Key of the text in JSON Lines.")
@_corpus(
    "--skip-bad", is_flag=True, help="Count what cannot be read and go on; bytes that are not UTF-8 become U+FFFD."
)
@_corpus("--engine", default="mecab", show_default=True, help="Morphological analyser: mecab, mecab-ko or none.")
@_corpus("--user-dictionary", type=PATH, help="Nouns to keep whole, from 'korsci tokenizer userdict'.")
@_corpus("--max-lines", type=int, default=5_000_000, show_default=True, help="Train on a sample of this many lines.")
@_corpus("--seed", type=int, default=0, show_default=True, help="Of the sample.")
@_vocabulary(
    "--vocab-size", type=int, default=128_000, show_default=True, help="Special tokens and learnt pieces together."
)
@_vocabulary(
    "--reserved", type=int, default=100, show_default=True, help="Tokens [unused0] … on top, which no text produces."
)
@_vocabulary(
    "--pad-to-multiple", type=int, default=1, show_default=True, help="Add reserved tokens up to a multiple of this."
)
@_vocabulary("--model-type", default="bpe", show_default=True, help="bpe or unigram.")
@_vocabulary("--byte-fallback", is_flag=True, help="Write what has no piece as bytes instead of [UNK].")
@_vocabulary(
    "--character-coverage", type=float, default=0.9995, show_default=True, help="Share of characters that get a piece."
)
@_run("--out", type=PATH, required=True, help="Tokenizer folder to write.")
@_run("--workers", type=int, help="Processes that cut texts into morphs; default: one a processor.")
@_run("--keep", is_flag=True, help="Keep the training lines (OUT.work) to train another vocabulary on.")
@_run("--overwrite", is_flag=True, help="Replace the tokenizer in --out; begin without the lines in OUT.work.")
def command(
    corpus: tuple[str, ...],
    field: str,
    skip_bad: bool,
    engine: str,
    user_dictionary: Path | None,
    max_lines: int,
    seed: int,
    vocab_size: int,
    reserved: int,
    pad_to_multiple: int,
    model_type: str,
    byte_fallback: bool,
    character_coverage: float,
    out: Path,
    workers: int | None,
    keep: bool,
    overwrite: bool,
) -> None:
    """Train a tokenizer on CORPUS: files or quoted globs of plain text (.txt, a text a line) or JSON Lines (.jsonl),
    also compressed (.gz, .zst).

    A vocabulary has --vocab-size + --reserved tokens, 128,100 by default as in the released model: that is the
    vocab_size of a model trained with it. Ids 0 to 4 are [PAD] [CLS] [SEP] [UNK] [MASK], the reserved ones follow.

    Files are read piece by piece, lines of any length included. A call that was stopped goes on where it was when it is
    repeated; the result is the same, and the same for any number of workers. SentencePiece needs memory for the
    sample, of which --max-lines is the size.

    \b
    Example:
      korsci tokenizer train 'texts/*.jsonl.gz' --out tokenizers/mine --byte-fallback
    """
    from korscideberta.tokenization.corpus import CorpusFormat, find_corpus
    from korscideberta.tokenization.processes import cpu_count
    from korscideberta.tokenization.recipe import Recipe
    from korscideberta.tokenization.shards import CorpusSettings
    from korscideberta.tokenization.train_corpus import train_on_corpus
    from korscideberta.tokenization.trainer import VocabularySettings

    vocabulary = VocabularySettings(
        vocab_size=vocab_size,
        reserved=reserved,
        pad_to_multiple_of=pad_to_multiple,
        model_type=model_type,
        character_coverage=character_coverage,
        byte_fallback=byte_fallback,
    )
    settings = CorpusSettings(
        recipe=Recipe(engine=engine).with_user_dictionary(user_dictionary),
        form=CorpusFormat(field=field, skip_bad=skip_bad),
        max_lines=max_lines,
        seed=seed,
    )
    reading, training = Progress("cutting into morphs"), Progress("SentencePiece")

    def on_training(stage: str) -> None:
        reading.end()
        training.note(stage)

    try:
        tokenizer = train_on_corpus(
            find_corpus(corpus),
            out,
            settings,
            vocabulary,
            workers=cpu_count() if workers is None else workers,
            keep=keep,
            overwrite=overwrite,
            on_reading=reading.share,
            on_training=on_training,
        )
    except KeyboardInterrupt:
        click.echo("\nstopped; the same command goes on with what is done", err=True)
        sys.exit(130)
    finally:
        reading.end()
        training.end()
    click.echo(f"{out}: a tokenizer of {len(tokenizer):,} tokens")
