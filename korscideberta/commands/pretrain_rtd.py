"""`korsci pretrain rtd`."""

from __future__ import annotations

from typing import Any

import click

from korscideberta.commands.options import GroupedCommand, option_group
from korscideberta.commands.pretrain_options import (
    Common,
    masking_option,
    model_option,
    pretraining_options,
    run_in_processes,
)

_detection = option_group("Detection")


@click.command("rtd", cls=GroupedCommand)
@pretraining_options(
    model_option(
        "--model",
        default="nano",
        show_default=True,
        help="Shape of what is new: a name (the generator has half the layers), or a JSON file of both models.",
    ),
    model_option("--generator", help="Generator to go on with: a folder or hub repository."),
    model_option("--discriminator", help="Discriminator to go on with."),
    _detection("--sharing", help="Of the embeddings: gdes, es or none.  [default: the file's, else gdes]"),
    _detection("--rtd-weight", type=float, default=10.0, show_default=True, help="Factor on the discriminator's loss."),
    _detection("--temperature", type=float, default=1.0, show_default=True, help="Of the generator's draws."),
    _detection(
        "--decoupled/--joint", default=True, show_default=True, help="An update for each model, or one for both."
    ),
    _detection("--discriminator-learning-rate", type=float, help="Peak rate; default: --learning-rate."),
    masking_option("--max-ngram", type=int, default=1, show_default=True, help="Most units masked in a row."),
)
def command(**options: Any) -> None:
    """Pretrain a discriminator of replaced tokens, the model to fine-tune, with a generator that replaces them.

    OUT/model is the discriminator, OUT/generator the generator, both ordinary model folders. A run stops, resumes,
    takes --corpus and several processes as 'korsci pretrain mlm' does.

    \b
    Examples:
      korsci pretrain rtd --data data/mine --model nano --max-steps 20000 --batch-size 64 --out runs/mine
      korsci pretrain rtd --data data/mine --generator runs/mine/generator --discriminator runs/mine/model \\
        --max-steps 5000 --learning-rate 5e-5 --out runs/more
    """
    from dataclasses import fields

    from korscideberta.pretraining.models import recorded_sharing
    from korscideberta.pretraining.rtd import DetectionSettings
    from korscideberta.pretraining.runs import PairChoice, train_detection

    def work(common: Common) -> dict[str, float]:
        options["sharing"] = options["sharing"] or recorded_sharing(options["model"])
        return train_detection(
            common.choice,
            PairChoice(**{field.name: options[field.name] for field in fields(PairChoice)}),
            common.settings,
            DetectionSettings(**{field.name: options[field.name] for field in fields(DetectionSettings)}),
            common.run,
            common.start,
            attention=options["attention"],
        )

    run_in_processes(options, work)
