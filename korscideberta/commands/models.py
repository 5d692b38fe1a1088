"""`korsci models`."""

from __future__ import annotations

import click


@click.command("models")
def command() -> None:
    """List what --model can name: models, shapes to train from scratch, folders, hub repositories."""
    from korscideberta.hub import RELEASED_MODEL, SHIPPED_MODELS, is_cached
    from korscideberta.model.presets import PRESET_NAMES, preset

    for name, folder in SHIPPED_MODELS.items():
        click.echo(f"{name}  part of this package, pretrained on Korean text; its model card: {folder / 'README.md'}")
    for name in PRESET_NAMES:
        config = preset(name, 8000)
        click.echo(
            f"{name}  from scratch: {config.num_hidden_layers} layers × {config.hidden_size}, "
            f"{config.num_attention_heads} heads, feed-forward {config.intermediate_size}"
        )
    fetched = "in the cache, works offline" if is_cached(RELEASED_MODEL) else "fetched from the hub when first used"
    click.echo(f"{RELEASED_MODEL}  the released model, 12 layers × 768; {fetched}")
    click.echo("OWNER/NAME[@REVISION]  any DeBERTa of the Hugging Face hub with a SentencePiece tokenizer")
    click.echo("FOLDER  a model folder: config.json, weights, spm.model")
