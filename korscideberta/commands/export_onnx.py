"""`korsci export onnx`."""

from __future__ import annotations

from pathlib import Path

import click

from korscideberta.commands.options import PATH


@click.command("onnx")
@click.argument("run", metavar="RUN")
@click.option("--out", type=PATH, help="New folder; default: RUN/onnx of a run directory.")
@click.option("--int8", is_flag=True, help="Also write model_int8.onnx: a quarter of the size, and faster on a CPU.")
def command(run: str, out: Path | None, int8: bool) -> None:
    """Write the model of RUN (a run directory, a model folder or a hub repository) as ONNX, with its tokenizer.

    One graph serves every batch size and length. Before anything is written its logits are compared with PyTorch's on
    random ids and on real abstracts; with --int8 the table says what the rounding changes.

    \b
    Examples:
      korsci export onnx runs/papers
      korsci export onnx runs/papers --int8 --out served
    """
    from korscideberta.errors import ConfigError
    from korscideberta.export.onnx import check_onnx, export_onnx, load_for_export
    from korscideberta.tasks import get

    if out is None:
        if not (Path(run) / "run.json").is_file():
            raise ConfigError(f"{run} is no run directory, so there is no default place; name one with --out DIR")
        out = Path(run) / "onnx"
    check_onnx()
    model, tokenizer = load_for_export(run)
    papers = get("papers")
    assert papers.sample is not None
    texts = [example.text for example in papers.read(papers.sample, None, None, False)[:16]]
    done = export_onnx(model, tokenizer, out, int8=int8, texts=texts)
    click.echo(f"{out}: {type(model).__name__}, {', '.join(done.inputs)} -> {', '.join(done.outputs)}")
    click.echo(f"{'graph':20}{'MB':>8}{'largest difference':>22}{'same answer':>14}")
    for name, size in done.sizes.items():
        click.echo(f"{name:20}{size / 1e6:8.1f}{done.differences[name]:22.2g}{done.agreement[name]:14.1%}")
