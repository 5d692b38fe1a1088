from __future__ import annotations

import json
import os
import signal

import pytest
import torch

from korscideberta.data.batching import collate
from korscideberta.data.encoding import EncodedExample
from korscideberta.errors import ConfigError, KorsciError, ModelError
from korscideberta.model import DebertaV2Config, DebertaV2ForSequenceClassification
from korscideberta.run import RunDirectory
from korscideberta.training.adversarial import Sift, symmetric_kl
from korscideberta.training.checkpointing import load_state
from korscideberta.training.loop import Interrupted, Plan, soft_cross_entropy, train
from korscideberta.training.optimizer import build_optimizer
from korscideberta.training.settings import TrainSettings

CONFIG = DebertaV2Config(
    vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
    max_position_embeddings=32, position_buckets=8, id2label=("A", "B", "C"), initializer_range=0.2,
)  # fmt: skip
EXAMPLES = [EncodedExample((1, 5 + i % 3, 8 + i % 7, 2), (0,) * 4, (i % 3,)) for i in range(30)]
SETTINGS = TrainSettings(epochs=4, batch_size=8, learning_rate=5e-3, log_every=2)


def run_training(folder, *, settings=SETTINGS, resume=False, on_evaluation=lambda count: None):
    torch.manual_seed(settings.seed)
    model = DebertaV2ForSequenceClassification(CONFIG)
    run = RunDirectory(folder)
    folder.mkdir(exist_ok=True)
    count = [0]

    def evaluate():
        count[0] += 1
        on_evaluation(count[0])
        model.eval()
        batch = collate(EXAMPLES, 0, 3)
        with torch.inference_mode():
            predicted = model(batch.input_ids, batch.attention_mask).logits.argmax(dim=1)
        model.train()
        return {"accuracy": float((predicted == batch.targets.argmax(dim=1)).float().mean())}

    train(
        model, EXAMPLES, settings=settings, run=run, pad_token_id=0, num_labels=3, evaluate=evaluate,
        metric="accuracy", save_model=lambda: model.save_pretrained(run.model), resume=resume,
    )  # fmt: skip
    return model, run


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def records(run):
    lines = [json.loads(line) for line in run.journal.read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "tokens_per_second"} for line in lines]


def test_learns_and_repeats_exactly(tmp_path):
    first, run = run_training(tmp_path / "a")
    second, _ = run_training(tmp_path / "b")
    assert torch.equal(weights(first), weights(second))
    figures = [record["accuracy"] for record in records(run) if record.get("split") == "dev"]
    assert len(figures) == 4
    assert max(figures) == 1.0
    assert load_state(run.checkpoint).best_metric == 1.0


def test_interrupted_run_resumes_to_the_same_result(tmp_path):
    whole, run = run_training(tmp_path / "whole")
    with pytest.raises(Interrupted) as stopped:
        run_training(tmp_path / "parts", on_evaluation=lambda n: n == 2 and os.kill(os.getpid(), signal.SIGTERM))
    assert stopped.value.step == 8
    assert (tmp_path / "parts" / "model" / "model.safetensors").exists()
    resumed, parts = run_training(tmp_path / "parts", resume=True)
    assert torch.equal(weights(whole), weights(resumed))
    assert records(parts) == records(run)


def test_interrupted_before_the_first_evaluation_leaves_a_model(tmp_path):
    settings = TrainSettings(epochs=4, batch_size=8, eval_every=100, learning_rate=5e-3)
    handler = signal.getsignal(signal.SIGINT)
    original = torch.nn.utils.clip_grad_norm_
    calls = []

    def clip(*arguments):
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return original(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.utils, "clip_grad_norm_", clip)
        with pytest.raises(Interrupted) as stopped:
            run_training(tmp_path / "a", settings=settings)
    assert stopped.value.step == 3
    assert (tmp_path / "a" / "model" / "config.json").exists()
    assert signal.getsignal(signal.SIGINT) is handler


def test_loss_that_is_not_finite_stops_the_run(tmp_path):
    with pytest.raises(KorsciError, match="the loss is nan at step"):
        run_training(tmp_path / "a", settings=TrainSettings(epochs=9, batch_size=8, learning_rate=1e30, warmup=0))


def test_damaged_checkpoint_is_one_line(tmp_path):
    path = tmp_path / "last.pt"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(ModelError, match="damaged checkpoint"):
        load_state(path)


def test_plan():
    plan = Plan.of(30, SETTINGS)
    assert (plan.steps_per_epoch, plan.total_steps, plan.warmup) == (4, 16, 2)
    assert [step for step in range(1, 17) if plan.evaluates_after(step)] == [4, 8, 12, 16]
    assert [
        s for s in range(1, 17) if Plan.of(30, TrainSettings(epochs=4, batch_size=8, eval_every=7)).evaluates_after(s)
    ] == [7, 14, 16]


def test_soft_cross_entropy_of_one_hot_targets_is_the_usual_one():
    logits = torch.randn(5, 3)
    gold = torch.tensor([0, 2, 1, 1, 0])
    expected = torch.nn.functional.cross_entropy(logits, gold)
    assert soft_cross_entropy(logits, torch.eye(3)[gold]) == pytest.approx(float(expected), abs=1e-6)


def test_biases_and_norms_are_not_decayed():
    model = DebertaV2ForSequenceClassification(CONFIG)
    decayed, free = build_optimizer(model, 1e-3, 0.01).param_groups
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.01, 0.0)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert all("bias" in names[id(p)] or "norm" in names[id(p)].lower() for p in free["params"])
    assert not any("bias" in names[id(p)] for p in decayed["params"])
    assert len(names) == len(decayed["params"]) + len(free["params"])


def test_sift_adds_a_loss_with_gradients_and_leaves_no_hook():
    torch.manual_seed(0)
    model = DebertaV2ForSequenceClassification(CONFIG).train()
    batch = collate([*EXAMPLES[:4], EncodedExample((1, 2), (0, 0), (1,))], 0, 3)
    logits = model(batch.input_ids, batch.attention_mask).logits
    loss = Sift(5.0, 1e-1, 1e-1).loss(model, batch, logits)
    loss.backward()
    assert loss.item() > 0
    assert model.classifier.weight.grad.abs().sum() > 0
    assert not model.get_input_embeddings()._forward_hooks


def test_symmetric_kl():
    p, q = torch.tensor([[0.2, 0.8]]), torch.tensor([[0.5, 0.5]])
    expected = (p * (p / q).log()).sum() + (q * (q / p).log()).sum()
    assert symmetric_kl(p.log(), q.log()) == pytest.approx(float(expected), abs=1e-6)
    assert symmetric_kl(p.log(), p.log()) == 0


@pytest.mark.parametrize(
    ("name", "value"), [("epochs", 0), ("learning_rate", -1.0), ("warmup", -0.1), ("batch_size", 0), ("seed", -1)]
)
def test_impossible_settings_name_the_option(name, value):
    with pytest.raises(ConfigError, match=f"--{name.replace('_', '-')}"):
        TrainSettings(**{name: value})
