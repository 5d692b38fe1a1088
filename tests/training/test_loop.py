from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest
import torch
from training_runs import EXAMPLES, SETTINGS, records, run_training, weights

from korscideberta.data.features import ClassificationFeatures
from korscideberta.errors import ConfigError, DataError, KorsciError
from korscideberta.training.checkpointing import Checkpoints
from korscideberta.training.losses import ClassificationLoss
from korscideberta.training.plan import Plan
from korscideberta.training.settings import TrainSettings
from korscideberta.training.signals import Interrupted
from korscideberta.training.stopping import BestFigure, Divergence


def test_learns_and_repeats_exactly(tmp_path):
    settings = replace(SETTINGS, epochs=12)
    first, run = run_training(tmp_path / "a", settings=settings)
    second, _ = run_training(tmp_path / "b", settings=settings)
    assert torch.equal(weights(first), weights(second))
    figures = [record["accuracy"] for record in records(run) if record.get("split") == "dev"]
    assert len(figures) == 12
    assert max(figures) == 1.0
    best = BestFigure(0)
    assert Checkpoints(run.checkpoints, 2).load({"best": best}) == 48
    assert best.value == 1.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_interrupted_run_resumes_to_the_same_result(tmp_path, number):
    whole, run = run_training(tmp_path / "whole")
    with pytest.raises(Interrupted) as stopped:
        run_training(tmp_path / "parts", on_evaluation=lambda n: n == 2 and os.kill(os.getpid(), number))
    assert stopped.value.step == 8
    assert (tmp_path / "parts" / "model" / "model.safetensors").exists()
    resumed, parts = run_training(tmp_path / "parts", resume=True)
    assert torch.equal(weights(whole), weights(resumed))
    assert records(parts) == records(run)


def test_interrupted_before_the_first_evaluation_leaves_a_model(tmp_path, monkeypatch):
    settings = replace(SETTINGS, eval_every=100)
    handler = signal.getsignal(signal.SIGINT)
    original = torch.nn.utils.clip_grad_norm_
    calls = []

    def clip(*arguments):
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return original(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(torch.nn.utils, "clip_grad_norm_", clip)
        with pytest.raises(Interrupted) as stopped:
            run_training(tmp_path / "a", settings=settings)
    assert stopped.value.step == 3
    assert (tmp_path / "a" / "model" / "config.json").exists()
    assert signal.getsignal(signal.SIGINT) is handler
    whole, run = run_training(tmp_path / "whole", settings=settings)
    resumed, parts = run_training(tmp_path / "a", settings=settings, resume=True)
    assert torch.equal(weights(whole), weights(resumed))
    assert records(parts) == records(run)  # the mean loss of the steps around the stop too


def test_loss_that_is_not_finite_names_step_and_examples(tmp_path):
    with pytest.raises(
        KorsciError, match=r"(loss is nan|gradients is \w+) at step \d+, on the examples paper-\d+, .*--learning-rate"
    ):
        run_training(tmp_path / "a", settings=replace(SETTINGS, learning_rate=1e30, warmup=0))


class Growing(ClassificationLoss):
    """A loss that training cannot keep down."""

    factor = 1.0

    def __call__(self, logits, batch):
        self.factor *= 1.2
        return self.factor * super().__call__(logits, batch)


def test_a_loss_that_runs_away_stops_the_run(tmp_path):
    with pytest.raises(KorsciError, match=r"the mean loss of the last 20 steps is .* at step 2\d, .*paper-"):
        run_training(tmp_path / "a", settings=replace(SETTINGS, epochs=30), objective=Growing([10, 10, 10]))


def test_divergence_is_not_seen_in_noise():
    guard = Divergence()
    random = torch.Generator().manual_seed(1)
    for step in range(300):
        loss = 3.5 * 0.99**step + 2 * float(torch.rand((), generator=random))
        assert guard.seen(loss) is None
    copy = Divergence()
    copy.load_state_dict(guard.state_dict())
    told = [(guard.seen(60.0), copy.seen(60.0)) for _ in range(20)]
    assert all(mine == other for mine, other in told)
    assert told[-1][0] is not None


def test_patience(tmp_path):
    figures = [0.1, 0.5, 0.5, 0.4, 0.9, 0.9, 0.9, 0.9]
    settings = replace(SETTINGS, epochs=8, patience=2)
    _, run = run_training(tmp_path / "a", settings=settings, figure=lambda count: figures[count - 1])
    assert [record["step"] for record in records(run) if "split" in record] == [4, 8, 12, 16]
    _, again = run_training(tmp_path / "a", settings=settings, resume=True, figure=lambda count: pytest.fail("went on"))
    assert records(again) == records(run)
    # A stop in between does not give the run more patience.
    with pytest.raises(Interrupted):
        run_training(
            tmp_path / "b", settings=settings, figure=lambda count: figures[count - 1],
            on_evaluation=lambda n: n == 3 and os.kill(os.getpid(), signal.SIGTERM),
        )  # fmt: skip
    _, parts = run_training(tmp_path / "b", settings=settings, resume=True, figure=lambda count: figures[count + 2])
    assert records(parts) == records(run)


def test_a_first_figure_that_is_no_number_is_improved_on():
    best = BestFigure(2)
    assert [best.improves(figure) for figure in (float("nan"), 0.1, float("nan"), 0.1)] == [True, True, False, False]
    assert best.exhausted


def test_checkpoints_between_evaluations_and_how_many_stay(tmp_path):
    _, run = run_training(tmp_path / "a", settings=replace(SETTINGS, save_every=3, keep_last=3))
    assert Checkpoints(run.checkpoints, 1).steps() == [16, 15, 12]


def test_plan():
    lengths = [len(example.input_ids) for example in EXAMPLES]
    plan = Plan.of(lengths, SETTINGS)
    assert (plan.ends, plan.total_steps, plan.warmup) == ((4, 8, 12, 16), 16, 2)
    assert [step for step in range(1, 17) if plan.evaluates_after(step)] == [4, 8, 12, 16]
    sevens = Plan.of(lengths, replace(SETTINGS, eval_every=7, save_every=5))
    assert [step for step in range(1, 17) if sevens.evaluates_after(step)] == [7, 14, 16]
    assert [step for step in range(1, 17) if sevens.saves_after(step)] == [5, 10, 15]
    assert [plan.factor(step) for step in (0, 1, 2, 15)] == [0.5, 1.0, 1.0, 1 / 14]


def test_a_plan_that_ends_within_an_epoch():
    lengths = [len(example.input_ids) for example in EXAMPLES]
    whole = Plan.of(lengths, SETTINGS)
    plan = Plan.of(lengths, replace(SETTINGS, max_steps=10))
    assert (plan.ends, plan.total_steps, plan.epochs_after(9), plan.epochs_after(10)) == ((4, 8, 10), 10, 2.25, 2.5)
    assert list(plan.batches(0)) == list(whole.batches(0))[:10]
    assert list(plan.batches(9)) == list(whole.batches(0))[9:10]
    assert [step for step in range(1, 11) if plan.evaluates_after(step)] == [4, 8, 10]
    assert plan.factor(9) == pytest.approx(1 / 9)
    for most in (8, 16, 99):
        ended = Plan.of(lengths, replace(SETTINGS, max_steps=most))
        assert ended.ends == whole.ends[: most // 4]
        assert ended.epochs_after(ended.total_steps) == len(ended.ends)


def test_plan_of_batches_of_tokens():
    lengths = [2 + i**2 % 50 + (i % 9 == 0) * 60 for i in range(1000)]
    plan = Plan.of(lengths, replace(SETTINGS, batch_tokens=130))
    assert len({end - begin for begin, end in pairwise((0, *plan.ends))}) > 1
    batches = list(plan.batches(0))
    assert len(batches) == plan.total_steps
    for epoch, (begin, end) in enumerate(pairwise((0, *plan.ends))):
        assert sorted(i for batch in batches[begin:end] for i in batch) == list(range(1000))
        assert [plan.epochs_after(begin), plan.epochs_after(end)] == [epoch, epoch + 1]
        assert epoch < plan.epochs_after(begin + 3) < epoch + 0.1
    for start in (1, plan.ends[0] - 1, plan.ends[0], plan.ends[1] + 5, plan.total_steps):
        assert list(plan.batches(start)) == batches[start:]
    assert [step for step in range(1, plan.total_steps + 1) if plan.evaluates_after(step)] == list(plan.ends)


def test_a_run_with_batches_of_tokens_resumes_exactly(tmp_path):
    settings = replace(SETTINGS, batch_tokens=40, accumulate=2)
    whole, run = run_training(tmp_path / "whole", settings=settings)
    with pytest.raises(Interrupted):
        run_training(
            tmp_path / "parts",
            settings=settings,
            on_evaluation=lambda n: n == 2 and os.kill(os.getpid(), signal.SIGTERM),
        )
    resumed, parts = run_training(tmp_path / "parts", settings=settings, resume=True)
    assert torch.equal(weights(whole), weights(resumed))
    assert records(parts) == records(run)


def test_what_is_prepared_in_the_background_is_what_would_be_made_at_once(tmp_path, monkeypatch):
    from korscideberta.training import loop

    settings = replace(SETTINGS, epochs=2, accumulate=2, sift_lambda=1.0)
    ahead, run = run_training(tmp_path / "ahead", settings=settings)
    monkeypatch.setattr(loop, "prepared", partial(loop.prepared, ahead=0))
    at_once, other = run_training(tmp_path / "at once", settings=settings)
    assert torch.equal(weights(ahead), weights(at_once))
    assert records(run) == records(other)


def test_an_error_while_a_batch_is_made_is_that_of_the_run(tmp_path, monkeypatch):
    calls = []

    def batch(*arguments):
        calls.append(threading.current_thread())
        if len(calls) == 5:
            raise DataError("row 5 is broken")
        return original(*arguments)

    original = ClassificationFeatures.batch
    monkeypatch.setattr(ClassificationFeatures, "batch", batch)
    before = threading.active_count()
    with pytest.raises(DataError, match="row 5 is broken"):
        run_training(tmp_path / "a")
    assert threading.main_thread() not in calls
    assert threading.active_count() == before


def test_every_example_is_used_once_an_epoch_in_parts(tmp_path, monkeypatch):
    seen, original = [], ClassificationFeatures.batch

    def batch(features, indices):
        seen.append(list(indices))
        return original(features, indices)

    monkeypatch.setattr(ClassificationFeatures, "batch", batch)
    run_training(tmp_path / "a", settings=replace(SETTINGS, epochs=1, accumulate=3), figure=lambda count: 0.0)
    assert [len(part) for part in seen] == [3, 3, 2] * 3 + [2, 2, 2]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0), ("learning_rate", -1.0), ("learning_rate", float("nan")), ("warmup", -0.1), ("batch_size", 0),
        ("batch_tokens", 0),
        ("seed", -1), ("layer_decay", 1.5), ("label_smoothing", 1.0), ("accumulate", 33), ("schedule", "cosin"),
        ("loss", "focus"), ("freeze", "top"), ("keep_last", 0), ("patience", -1),
    ],
)  # fmt: skip
def test_impossible_settings_name_the_option(name, value):
    with pytest.raises(ConfigError, match=f"--{name.replace('_', '-')}"):
        TrainSettings(**{name: value})
