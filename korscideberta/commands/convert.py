"""`korsci convert`."""

from __future__ import annotations

from pathlib import Path

import click

from korscideberta.commands.options import PATH


@click.command("convert")
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT", type=PATH)
@click.option("--to", required=True, metavar="[hf|original]", help="Layout to write.")
@click.option("--dtype", help="float32, bf16 or fp16; default: the values as they are.")
def command(source: str, target: Path, to: str, dtype: str | None) -> None:
    """Write the model of folder or hub repository IN in another layout into the new folder OUT.

    \b
    hf        config.json, model.safetensors: read by this package and by transformers
    original  model_config.json, pytorch.model.bin: read by the original DeBERTa

    Weights keep their values; tokenizer and other files beside the model are copied.
    """
    from korscideberta.hub import is_repository, locate
    from korscideberta.model.checkpoints import convert

    folder = locate(source, "model")
    if not Path(source).is_dir() and is_repository(source):
        folder = locate(source, "tokenizer")  # the same copy, now with the tokenizer's files
    done = convert(folder, target, to=to, dtype=dtype)
    click.echo(f"{target}: {done.kind}, {done.weights} weights of type {done.dtype} in the layout {to}")
    if done.split:
        click.echo(f"split: {len(done.split)} fused tensors of version 1, {done.split[0]} …")
    if done.unknown:
        click.echo(f"kept as they are, unknown to this package: {', '.join(done.unknown)}")
    click.echo(f"copied: {', '.join(done.files) or 'no other files'}")
