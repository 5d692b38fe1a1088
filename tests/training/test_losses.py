from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional as F

from korscideberta.data.batching import Batch
from korscideberta.errors import ConfigError, DataError
from korscideberta.training.losses import ClassificationLoss, balanced_weights, classification_loss, read_weights
from korscideberta.training.settings import TrainSettings


def batch_of(targets):
    ids = torch.ones(len(targets), dtype=torch.long)
    return Batch(ids, ids, torch.arange(len(targets)), targets)


def mean(loss, logits, targets):
    batch = batch_of(targets)
    return float(loss(logits, batch).detach() / loss.weight(batch))


@given(st.integers(2, 6), st.integers(1, 8), st.floats(0, 0.5), st.booleans(), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_cross_entropy_is_torchs(labels, rows, smoothing, weighted, seed):
    random = torch.Generator().manual_seed(seed)
    logits = torch.randn(rows, labels, generator=random) * 3
    gold = torch.randint(labels, (rows,), generator=random)
    weights = torch.rand(labels, generator=random) + 0.1 if weighted else None
    expected = F.cross_entropy(logits, gold, weight=weights, label_smoothing=smoothing)
    loss = ClassificationLoss([1] * labels, smoothing=smoothing, weights=None if weights is None else weights.tolist())
    assert mean(loss, logits, torch.eye(labels)[gold]) == pytest.approx(float(expected), rel=1e-5, abs=1e-6)


def test_several_gold_labels_share_the_mass():
    logits, targets = torch.randn(4, 5), torch.tensor([[0.5, 0.5, 0, 0, 0]] * 4)
    assert mean(ClassificationLoss([1] * 5), logits, targets) == pytest.approx(float(F.cross_entropy(logits, targets)))


def test_focal_loss_has_the_factors_of_the_paper():
    # "an example classified with p = 0.9 would have 100 times lower loss, and with p of about 0.968 1000 times lower"
    for p, factor in ((0.9, 100), (0.968, 1 / 0.032**2), (0.5, 4)):
        logits, targets = torch.tensor([[p, 1 - p]]).log(), torch.tensor([[1.0, 0.0]])
        plain = mean(ClassificationLoss([1, 1]), logits, targets)
        focal = mean(ClassificationLoss([1, 1], kind="focal", gamma=2), logits, targets)
        assert plain / focal == pytest.approx(factor, rel=1e-3)


def test_focal_loss_with_gamma_0_is_cross_entropy_and_its_slope_is_finite():
    logits, targets = torch.tensor([[40.0, -40.0], [1.0, 2.0]], requires_grad=True), torch.eye(2)
    plain = mean(ClassificationLoss([1, 1]), logits, targets)
    assert mean(ClassificationLoss([1, 1], kind="focal", gamma=0), logits, targets) == plain
    ClassificationLoss([1, 1], kind="focal", gamma=0.5)(logits, batch_of(targets)).backward()
    assert torch.isfinite(logits.grad).all()


def test_focal_loss_weighs_labels():
    logits, targets = torch.zeros(1, 2), torch.tensor([[0.0, 1.0]])
    loss = ClassificationLoss([1, 1], kind="focal", gamma=2, weights=[1.0, 3.0])
    assert float(loss(logits, batch_of(targets))) == pytest.approx(3 * 0.25 * np.log(2))


def test_logit_adjustment_is_the_pairwise_margin_of_the_paper():
    counts, tau = [70, 20, 10], 1.5
    share = np.array(counts) / 100
    logits, gold = torch.randn(6, 3), torch.tensor([0, 1, 2, 2, 1, 0])
    f = logits.numpy().astype(float)
    expected = [
        np.log(1 + sum((share[j] / share[y]) ** tau * np.exp(f[i, j] - f[i, y]) for j in range(3) if j != y))
        for i, y in enumerate(gold.tolist())
    ]
    loss = ClassificationLoss(counts, kind="logit-adjusted", tau=tau)
    assert mean(loss, logits, torch.eye(3)[gold]) == pytest.approx(np.mean(expected), rel=1e-5)


def test_a_label_without_examples_keeps_every_loss_finite():
    logits, targets = torch.randn(2, 3), torch.eye(3)[[0, 1]]
    for kind in ("cross-entropy", "focal", "logit-adjusted"):
        loss = ClassificationLoss([5, 5, 0], kind=kind, smoothing=0.1, weights=balanced_weights([5, 5, 0]))
        assert np.isfinite(mean(loss, logits, targets))


def test_balanced_weights_are_scikit_learns():
    labels = [0] * 7 + [1] * 2 + [2] * 11
    expected = compute_class_weight("balanced", classes=np.array([0, 1, 2]), y=np.array(labels))
    assert balanced_weights([7, 2, 11]) == pytest.approx(expected.tolist())
    assert balanced_weights([4, 0, 4]) == [1.0, 1.0, 1.0]


def test_weights_from_files(tmp_path):
    table, objects = tmp_path / "w.csv", tmp_path / "w.json"
    table.write_text("label,weight\n경제,2.5\n과학,0.5\n", encoding="utf-8")
    objects.write_text(json.dumps({"경제": 2.5, "과학": 0.5}), encoding="utf-8")
    for path in (table, objects):
        assert read_weights(path, ["과학", "경제", "체육"]) == [0.5, 2.5, 1.0]
    loss = classification_loss(TrainSettings(class_weights=str(table)), ["과학", "경제", "체육"], [1, 1, 1])
    assert loss.weights_C.tolist() == [0.5, 2.5, 1.0]
    balanced = classification_loss(TrainSettings(class_weights="balanced"), ["과학", "경제"], [3, 1])
    assert balanced.weights_C.tolist() == pytest.approx([2 / 3, 2.0])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("w.csv", "label,weight\n경재,1\n", "w.csv:2: unknown label '경재'; known: 경제, 과학"),
        ("w.csv", "label,weight\n경제,0\n", "w.csv:2: the weight of '경제' is '0'"),
        ("w.csv", "label,weight\n경제,1\n경제,2\n", "w.csv:3: label '경제' was already named at .*w.csv:2"),
        ("w.csv", "name,weight\n경제,1\n", "needs the columns 'label' and 'weight', has 'name', 'weight'"),
        ("w.json", '{"경제": "viel"}', "the weight of '경제' is 'viel'"),
        ("w.json", "[1]", "no JSON object"),
        ("w.json", "{", "not a JSON file"),
    ],
)
def test_faulty_weight_files(tmp_path, name, content, message):
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_weights(tmp_path / name, ["경제", "과학"])


def test_class_weights_that_are_neither():
    with pytest.raises(ConfigError, match=r"--class-weights no\.csv: neither 'balanced' nor a file"):
        TrainSettings(class_weights="no.csv")
