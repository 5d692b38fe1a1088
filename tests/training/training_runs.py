"""A model of two small layers, thirty examples it can learn, and training on them."""

from __future__ import annotations

import json

import torch

from korscideberta.collective import is_main
from korscideberta.data.batching import collate
from korscideberta.data.encoding import EncodedExample
from korscideberta.data.features import ClassificationFeatures
from korscideberta.model import DebertaV2Config, DebertaV2ForSequenceClassification
from korscideberta.run import RunDirectory
from korscideberta.training.loop import train
from korscideberta.training.losses import ClassificationLoss
from korscideberta.training.settings import TrainSettings
from korscideberta.training.sharding import place, save_whole
from korscideberta.training.signals import stop_requests

CONFIG = DebertaV2Config(
    vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
    max_position_embeddings=32, position_buckets=8, id2label=("A", "B", "C"), initializer_range=0.2,
)  # fmt: skip
STILL = CONFIG.with_changes(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, cls_dropout=0.0)
EXAMPLES = [
    EncodedExample((1, 5 + i % 3, 8 + i % 7, *range(20, 20 + i % 4), 2), (0,) * (4 + i % 4), (i % 3,))
    for i in range(30)
]
SETTINGS = TrainSettings(epochs=4, batch_size=8, learning_rate=5e-3, log_every=2)
TIMING = ("tokens_per_second", "seconds_left", "peak_memory_bytes")


def run_training(
    folder, *, settings=SETTINGS, resume=False, on_evaluation=lambda count: None, figure=None, objective=None
):
    """Train; `figure(count)` stands in for the dev accuracy where it is given."""
    torch.manual_seed(settings.seed)
    model = DebertaV2ForSequenceClassification(CONFIG)
    place(model, torch.device("cpu"), settings.sharding)
    run = RunDirectory(folder)
    if is_main():
        run.begin(overwrite=False)
    count = [0]

    def evaluate():
        count[0] += 1
        on_evaluation(count[0])
        if figure is not None:
            return {"accuracy": figure(count[0])}
        model.eval()
        batch = collate(EXAMPLES, 3)
        with torch.inference_mode():
            predicted = model(**batch.inputs).logits.argmax(dim=1)
        model.train()
        return {"accuracy": float((predicted == batch.targets.argmax(dim=1)).float().mean())}

    with stop_requests() as stop:
        train(
            model,
            ClassificationFeatures(EXAMPLES, 3),
            settings=settings,
            objective=objective or ClassificationLoss([10, 10, 10]),
            run=run,
            ids=[f"paper-{i}" for i in range(30)],
            evaluate=evaluate,
            metric="accuracy",
            save_model=lambda: save_whole(model, DebertaV2ForSequenceClassification, run.model, settings.sharding),
            resume=resume,
            stop=stop,
        )
    return model, run


def weights(model):
    """All weights in one row, also those of a model in shards."""
    whole = (getattr(parameter, "full_tensor", lambda one=parameter: one)() for parameter in model.parameters())
    return torch.cat([parameter.detach().flatten() for parameter in whole])


def records(run):
    """The journal without what depends on the clock."""
    lines = [json.loads(line) for line in run.journal.read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in TIMING} for line in lines]
