"""`korsci models`."""

from __future__ import annotations

import click


@click.command("models")
def command() -> None:
    """List the shapes --model can name for training from scratch."""
    from korscideberta.model.presets import PRESET_NAMES, preset

    for name in PRESET_NAMES:
        config = preset(name, 8000)
        click.echo(
            f"{name:8} from scratch: {config.num_hidden_layers} layers × {config.hidden_size}, "
            f"{config.num_attention_heads} heads, feed-forward {config.intermediate_size}"
        )
    click.echo("FOLDER   a model folder in Hugging Face layout (config.json, weights, spm.model)")
