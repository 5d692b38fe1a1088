"""Optimizer steps: exact accumulation, fp16 scaling, SiFT."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from training_runs import CONFIG, EXAMPLES, STILL, weights

from korscideberta.data.batching import collate
from korscideberta.data.encoding import EncodedExample
from korscideberta.model import DebertaV2ForSequenceClassification
from korscideberta.training.adversarial import Sift
from korscideberta.training.losses import BinaryCrossEntropy, ClassificationLoss, SquaredError, symmetric_kl
from korscideberta.training.optimizer import build_optimizer
from korscideberta.training.scaling import GROWTH_INTERVAL, INITIAL_SCALE, LossScaler
from korscideberta.training.settings import TrainSettings
from korscideberta.training.update import NotFinite, Updater

SETTINGS = TrainSettings(learning_rate=1e-3)


def updater_of(model, objective, *, precision="float32", sift=None, max_grad_norm=1.0):
    scaler = LossScaler(dynamic=precision == "fp16")
    return Updater(model, build_optimizer(model, SETTINGS), objective, precision, max_grad_norm, sift, scaler)


def in_parts(size):
    return [collate(EXAMPLES[i : i + size], 3) for i in range(0, len(EXAMPLES), size)]


@pytest.mark.parametrize("size", [1, 4, 7])
@pytest.mark.parametrize("class_weights", [None, [0.2, 1.0, 5.0]])
def test_accumulation_is_the_large_batch(size, class_weights):
    after = []
    for parts in (in_parts(30), in_parts(size)):
        torch.manual_seed(0)
        model = DebertaV2ForSequenceClassification(STILL).train()
        updater = updater_of(model, ClassificationLoss([10, 10, 10], weights=class_weights, smoothing=0.1))
        losses = [updater.step(parts, 1.0) for _ in range(3)]
        after.append((weights(model), losses))
    torch.testing.assert_close(after[0][0], after[1][0], rtol=0, atol=1e-6)
    assert after[0][1] == pytest.approx(after[1][1], abs=1e-6)


class TokenModel(nn.Module):
    """Logits for each token."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(40, 40)

    def forward(self, input_ids, token_type_ids, starts):
        return SimpleNamespace(logits=self.table(input_ids))


class TokenLoss:
    """Predict the token itself."""

    def weight(self, batch):
        return float(len(batch.input_ids))

    def __call__(self, logits, batch):
        return F.cross_entropy(logits, batch.input_ids, reduction="sum")


def test_accumulation_weighs_tokens_not_parts():
    after = []
    for parts in (in_parts(30), in_parts(7)):
        torch.manual_seed(0)
        model = TokenModel()
        before = model.table.weight.detach().clone()
        loss = updater_of(model, TokenLoss(), max_grad_norm=0).step(parts, 1.0)
        ids = in_parts(30)[0].input_ids
        assert loss == pytest.approx(float(F.cross_entropy(before[ids], ids)), rel=1e-5)
        after.append(model.table.weight.detach())
    torch.testing.assert_close(after[0], after[1], rtol=0, atol=1e-6)


@pytest.mark.parametrize("sift", [None, Sift(2.0, 1e-1, 1e-1, symmetric_kl)])
def test_gradient_checkpointing_changes_nothing_but_memory(sift):
    after = []
    for checkpointed in (False, True):
        torch.manual_seed(0)
        model = DebertaV2ForSequenceClassification(CONFIG).train()  # with dropout
        if checkpointed:
            model.gradient_checkpointing_enable()
        updater = updater_of(model, ClassificationLoss([10, 10, 10]), sift=sift)
        for _ in range(2):
            updater.step(in_parts(8), 1.0)
        after.append(weights(model))
    torch.testing.assert_close(after[0], after[1], rtol=0, atol=1e-6)


def test_clipping_bounds_the_norm_of_the_whole_update(monkeypatch):
    model = DebertaV2ForSequenceClassification(STILL).train()
    updater = updater_of(model, ClassificationLoss([1, 1, 1]), max_grad_norm=1e-3)
    seen = []
    monkeypatch.setattr(
        updater.optimizer, "step",
        lambda: seen.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]).norm()),
    )  # fmt: skip
    updater.step(in_parts(7), 1.0)
    assert float(seen[0]) == pytest.approx(1e-3, rel=1e-3)


def test_scaler_halves_at_overflow_and_doubles_after_the_interval():
    scaler = LossScaler(dynamic=True)
    assert scaler.scale == INITIAL_SCALE == 16384
    assert scaler.shrink()
    assert scaler.scale == 8192
    for _ in range(GROWTH_INTERVAL):
        scaler.succeeded()
    assert scaler.scale == 8192
    scaler.succeeded()
    assert scaler.scale == 16384
    copy = LossScaler(dynamic=True)
    copy.load_state_dict(scaler.state_dict())
    for _ in range(300):
        scaler.succeeded()
        copy.succeeded()
    assert copy.state_dict() == scaler.state_dict()
    while scaler.shrink():
        pass
    assert scaler.scale == 1
    still = LossScaler(dynamic=False)
    assert not still.shrink()


def test_overflow_halves_the_scale_and_makes_the_step_all_the_same():
    torch.manual_seed(0)
    plain, scaled = (DebertaV2ForSequenceClassification(STILL).train() for _ in range(2))
    scaled.load_state_dict(plain.state_dict())
    objective = ClassificationLoss([10, 10, 10])
    updater_of(plain, objective).step(in_parts(30), 1.0)
    updater = updater_of(scaled, objective)
    updater.scaler = LossScaler(dynamic=True)
    updater.scaler.scale = 2.0**130  # beyond float32
    updater.step(in_parts(30), 1.0)
    assert updater.scaler.scale == 2.0**127
    torch.testing.assert_close(weights(plain), weights(scaled), rtol=0, atol=1e-6)


def test_fp16_on_a_cpu_takes_nearly_the_float32_step():
    after = []
    for precision in ("float32", "fp16"):
        torch.manual_seed(0)
        model = DebertaV2ForSequenceClassification(STILL).train()
        updater = updater_of(model, ClassificationLoss([10, 10, 10]), precision=precision)
        losses = [updater.step(in_parts(30), 1.0) for _ in range(5)]
        after.append(losses)
        assert updater.scaler.scale == (INITIAL_SCALE if precision == "fp16" else 1)
    assert after[0] == pytest.approx(after[1], abs=0.02)
    assert after[0][-1] < after[0][0]


class Poison:
    """A loss that is not finite."""

    def __init__(self, value):
        self.value = value

    def weight(self, batch):
        return 1.0

    def __call__(self, logits, batch):
        return logits.sum() * self.value


def test_gradients_that_are_not_finite_leave_the_weights_alone():
    model = DebertaV2ForSequenceClassification(STILL).train()
    before = weights(model).clone()
    for poison in (float("inf"), float("nan")):
        updater = updater_of(model, Poison(poison))
        with pytest.raises(NotFinite, match="the loss is"):
            updater.step(in_parts(30), 1.0)
    assert torch.equal(weights(model), before)


def test_sift_adds_a_loss_with_gradients_and_leaves_no_hook():
    torch.manual_seed(0)
    model = DebertaV2ForSequenceClassification(CONFIG).train()
    batch = collate([*EXAMPLES[:4], EncodedExample((1, 2), (0, 0), (1,))], 3)
    logits = model(**batch.inputs).logits
    loss = Sift(5.0, 1e-1, 1e-1, symmetric_kl).loss(model, batch, logits)
    loss.backward()
    assert loss.item() > 0
    assert model.classifier.weight.grad.abs().sum() > 0
    assert not model.get_input_embeddings()._forward_hooks


def test_sift_ascends_by_the_same_step_whatever_the_scale():
    model = DebertaV2ForSequenceClassification(STILL).train()
    batch = collate(EXAMPLES[:6], 3)
    logits = model(**batch.inputs).logits
    found = []
    for scale in (1.0, 1024.0):
        torch.manual_seed(3)
        found.append(float(Sift(2.0, 1e-1, 1e-1, symmetric_kl).loss(model, batch, logits, scale).detach()))
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_the_ascent_makes_the_change_larger():
    torch.manual_seed(0)
    model = DebertaV2ForSequenceClassification(STILL).train()
    batch = collate(EXAMPLES, 3)
    logits = model(**batch.inputs).logits.detach()
    found = []
    for step in (0.0, 0.1):
        torch.manual_seed(1)
        found.append(float(Sift(1.0, step, 1e-2, symmetric_kl).loss(model, batch, logits).detach()))
    assert found[1] > 2 * found[0]


def test_change_of_logits_and_of_values():
    p, q = torch.tensor([[0.2, 0.8]]), torch.tensor([[0.5, 0.5]])
    expected = (p * (p / q).log()).sum() + (q * (q / p).log()).sum()
    change = ClassificationLoss([1, 1]).change
    assert change(p.log(), q.log()) == pytest.approx(float(expected), abs=1e-6)
    assert change(p.log(), p.log()) == 0
    values = torch.tensor([[1.0], [2.0]]), torch.tensor([[1.5], [0.0]])
    assert SquaredError().change(*values) == pytest.approx(4.25)
    # A label by itself is a choice of two.
    p_of_2, q_of_2 = torch.cat([p.mT, 1 - p.mT], dim=1), torch.cat([q.mT, 1 - q.mT], dim=1)
    expected = change(p_of_2.log(), q_of_2.log())
    assert BinaryCrossEntropy().change(p.logit(), q.logit()) == pytest.approx(float(expected), abs=1e-6)


def test_sift_of_parts_is_averaged_over_all_examples():
    class Still(Sift):
        """The same start for every token, however the examples are divided."""

        def _first_delta(self, embeddings, input_ids):
            return torch.linspace(-0.1, 0.1, 16).expand(*input_ids.shape, 16).clone().requires_grad_()

    sift = Still(3.0, 1e-1, 0.1, symmetric_kl)
    losses = []
    for parts in (in_parts(30), in_parts(7)):
        torch.manual_seed(0)
        model = DebertaV2ForSequenceClassification(STILL).train()
        losses.append(updater_of(model, ClassificationLoss([10, 10, 10]), sift=sift).step(parts, 1.0))
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
