from __future__ import annotations

import torch
from torch import nn
from training_runs import EXAMPLES, STILL

from korscideberta.data.batching import collate
from korscideberta.model import DebertaV2ForSequenceClassification
from korscideberta.training.memory import estimate, peak_memory
from korscideberta.training.optimizer import freeze
from korscideberta.training.settings import TrainSettings


def test_what_two_linear_layers_keep():
    model = nn.Sequential(nn.Linear(100, 50), nn.Sigmoid(), nn.Linear(50, 10, bias=False))
    model[2].weight.requires_grad_(False)
    inputs = torch.randn(32, 100)
    found = estimate(model, lambda: model(inputs).sum())
    assert found.weights == 4 * (100 * 50 + 50 + 50 * 10)
    assert found.gradients == 4 * (100 * 50 + 50)
    assert found.optimizer == 2 * found.gradients
    # The first layer keeps its input, the sigmoid its output; the frozen layer needs only its weights.
    assert found.activations == 4 * 32 * (100 + 50)
    assert found.total == found.weights + 3 * found.gradients + found.activations


def test_checkpointing_and_freezing_need_less():
    batch = collate(EXAMPLES, 3)

    def activations(prepare):
        model = DebertaV2ForSequenceClassification(STILL).train()
        prepare(model)
        return estimate(model, lambda: model(**batch.inputs).logits.sum()).activations

    whole = activations(lambda model: None)
    assert activations(lambda model: model.gradient_checkpointing_enable()) < whole / 3
    assert activations(lambda model: freeze(model, TrainSettings(freeze="2"))) < whole / 3


def test_the_peak_covers_what_is_held():
    device = torch.device("cpu")
    before = peak_memory(device)
    held = torch.ones(30_000_000)
    assert peak_memory(device) >= max(before, held.nbytes)
