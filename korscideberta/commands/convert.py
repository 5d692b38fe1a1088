"""`korsci convert`."""

from __future__ import annotations

from pathlib import Path

import click

from korscideberta.commands.options import PATH


@click.command("convert")
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT", type=PATH)
@click.option("--to", default="hf", show_default=True, metavar="[hf|original]", help="Layout to write.")
@click.option(
    "--dtype", help="float32, bf16, fp16, or int8 (not read by transformers); default: the values as they are."
)
def command(source: str, target: Path, to: str, dtype: str | None) -> None:
    """Write the model of folder, run directory or hub repository IN in another layout or type into the new folder OUT.

    \b
    hf        config.json, model.safetensors: read by this package and by transformers
    original  model_config.json, pytorch.model.bin: read by the original DeBERTa

    Weights keep their values; tokenizer and other files beside the model are copied. Of a run directory OUT is one too,
    with the figures of the model as it was trained.

    \b
    --dtype int8 writes the layers' matrices in 8 bits, for CPUs: a third of the file and faster answers, at logits that
    differ a little ('korsci eval RUN --precision int8' tells how much). Only this package reads it, for predict and
    eval; transformers refuses it.
    """
    import shutil

    from korscideberta.files import replacing
    from korscideberta.hub import is_repository, locate
    from korscideberta.model.checkpoints import convert
    from korscideberta.run import RunDirectory

    run = Path(source) if (Path(source) / "run.json").is_file() else None
    if run is not None:
        source, target = str(run / "model"), target / "model"
    folder = locate(source, "model")
    if not Path(source).is_dir() and is_repository(source):
        folder = locate(source, "tokenizer")  # the same copy, now with the tokenizer's files
    done = convert(folder, target, to=to, dtype=dtype)
    if run is not None:
        for path in (path for path in run.iterdir() if path.is_file() and path != RunDirectory(run).lock):
            with replacing(target.parent / path.name) as temporary:
                shutil.copyfile(path, temporary)
    click.echo(f"{target}: {done.kind}, {done.weights} weights of type {done.dtype} in the layout {to}")
    if done.split:
        click.echo(f"split: {len(done.split)} fused tensors of version 1, {done.split[0]} …")
    if done.unknown:
        click.echo(f"kept as they are, unknown to this package: {', '.join(done.unknown)}")
    click.echo(f"copied: {', '.join(done.files) or 'no other files'}")
