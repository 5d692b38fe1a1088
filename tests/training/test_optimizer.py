from __future__ import annotations

import pytest
from training_runs import CONFIG

from korscideberta.errors import ConfigError
from korscideberta.model import DebertaV2ForSequenceClassification
from korscideberta.training.optimizer import build_optimizer, freeze, layer_of, set_rates
from korscideberta.training.settings import TrainSettings


def groups_of(**settings):
    model = DebertaV2ForSequenceClassification(CONFIG)
    settings = TrainSettings(**settings)
    freeze(model, settings)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    optimizer = build_optimizer(model, settings)
    return model, optimizer, [(group, [names[id(p)] for p in group["params"]]) for group in optimizer.param_groups]


def rates_of(**settings):
    return {name: group["lr"] for group, names in groups_of(**settings)[2] for name in names}


def test_biases_and_norms_are_not_decayed():
    model, _, groups = groups_of(weight_decay=0.01)
    decayed = {name for group, names in groups for name in names if group["weight_decay"] == 0.01}
    free = {name for group, names in groups for name in names if group["weight_decay"] == 0}
    assert all("bias" in name or "norm" in name.lower() for name in free)
    assert not any("bias" in name for name in decayed)
    assert decayed | free == {name for name, _ in model.named_parameters()}
    assert len(groups) == 2


def test_layer_decay_and_head_rate():
    rates = rates_of(learning_rate=1e-3, layer_decay=0.5, head_learning_rate=1e-2)
    assert rates["classifier.weight"] == rates["pooler.dense.bias"] == 1e-2
    assert rates["deberta.encoder.layers.1.intermediate.weight"] == 1e-3
    assert rates["deberta.encoder.layers.0.intermediate.weight"] == 5e-4
    assert rates["deberta.embeddings.word.weight"] == rates["deberta.encoder.relative.weight"] == 2.5e-4
    assert rates_of(learning_rate=1e-3, layer_decay=0.5)["classifier.weight"] == 1e-3


def test_rates_follow_the_schedule_in_proportion():
    _, optimizer, _ = groups_of(learning_rate=1e-3, layer_decay=0.5, head_learning_rate=1e-2)
    before = [group["lr"] for group in optimizer.param_groups]
    for factor in (0.1, 0.5):
        set_rates(optimizer, factor)
        assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([rate * factor for rate in before])


EMBEDDINGS, TABLE = "deberta.embeddings.word.weight", "deberta.encoder.relative.weight"
LAYERS = tuple(f"deberta.encoder.layers.{i}.output.dense.weight" for i in range(2))
HEAD = "classifier.weight"


@pytest.mark.parametrize(
    ("what", "frozen"),
    [
        (None, set()),
        ("embeddings", {EMBEDDINGS}),
        ("0", {EMBEDDINGS}),
        ("1", {EMBEDDINGS, TABLE, LAYERS[0]}),
        ("2", {EMBEDDINGS, TABLE, *LAYERS}),
    ],
)
def test_freezing(what, frozen):
    model, _, groups = groups_of(freeze=what)
    listed = {name for _, names in groups for name in names}
    assert {EMBEDDINGS, TABLE, *LAYERS, HEAD} - listed == frozen
    assert {name for name, parameter in model.named_parameters() if parameter.requires_grad} == listed


def test_more_layers_than_there_are():
    with pytest.raises(ConfigError, match="--freeze 3: the model has 2 layers"):
        groups_of(freeze="3")


def test_the_convolution_stands_with_the_first_layer():
    model = DebertaV2ForSequenceClassification(CONFIG.with_changes(conv_kernel_size=3))
    places = {name: layer_of(name, 2) for name, _ in model.named_parameters()}
    assert {place for name, place in places.items() if "convolution" in name} == {1}
    assert places["deberta.encoder.layers.1.output.dense.weight"] == 2
