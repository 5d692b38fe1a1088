"""The training loop: flat phases, exact resume, best model kept.

Shapes: B batch, C labels.
"""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from korscideberta.data.batching import Batch, collate, train_order
from korscideberta.data.encoding import EncodedExample
from korscideberta.errors import KorsciError
from korscideberta.precision import autocast
from korscideberta.run import RunDirectory
from korscideberta.training.adversarial import Sift
from korscideberta.training.checkpointing import TrainingState, load_state, save_state
from korscideberta.training.journal import Journal
from korscideberta.training.optimizer import build_optimizer
from korscideberta.training.schedule import linear_decay, warmup_steps
from korscideberta.training.settings import TrainSettings

FP16_INITIAL_SCALE = 16384.0


class Interrupted(Exception):
    """The run was asked to stop; its state is saved. `step` is the number of steps done."""

    def __init__(self, step: int) -> None:
        super().__init__(f"stopped after step {step}")
        self.step = step


@dataclass(frozen=True)
class Plan:
    """How many steps a run has; follows from the number of examples and the settings."""

    steps_per_epoch: int
    total_steps: int
    warmup: int
    eval_every: int

    @staticmethod
    def of(examples: int, settings: TrainSettings) -> Plan:
        """Work the plan out."""
        per_epoch = math.ceil(examples / settings.batch_size)
        total = per_epoch * settings.epochs
        return Plan(per_epoch, total, warmup_steps(settings.warmup, total), settings.eval_every or per_epoch)

    def evaluates_after(self, step: int) -> bool:
        """Tell whether the dev set is scored once that many steps are done."""
        return step % self.eval_every == 0 or step == self.total_steps


def soft_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy of (B, C) logits against target distributions, computed in float32."""
    return F.cross_entropy(logits.float(), targets)


def train(
    model: nn.Module,
    examples: Sequence[EncodedExample],
    *,
    settings: TrainSettings,
    run: RunDirectory,
    pad_token_id: int,
    num_labels: int,
    evaluate: Callable[[], Mapping[str, float]],
    metric: str,
    save_model: Callable[[], None],
    resume: bool,
) -> None:
    """Train `model` in place and leave the checkpoint that is best on dev under the run directory.

    Args:
        model: a classification model on the device to train on.
        examples: encoded training examples with gold labels.
        settings: hyper-parameters; every field takes effect.
        run: where checkpoints and the journal go.
        pad_token_id: fills short rows of a batch.
        num_labels: C.
        evaluate: returns the dev figures of the model as it is now.
        metric: the figure, larger is better, that selects the best model; the first of equal ones stays.
        save_model: writes the model as it is now to the run directory.
        resume: go on from the last checkpoint, where there is one.

    Raises:
        Interrupted: SIGINT or SIGTERM came; the state was saved at the end of the step.
        KorsciError: the loss is no longer finite.
    """
    device = next(model.parameters()).device
    plan = Plan.of(len(examples), settings)
    optimizer = build_optimizer(model, settings.learning_rate, settings.weight_decay)
    scaler = torch.amp.GradScaler(device.type, init_scale=FP16_INITIAL_SCALE, enabled=settings.precision == "fp16")
    sift = Sift(settings.sift_lambda, settings.sift_lr, settings.sift_init) if settings.sift_lambda else None
    step, best = 0, None
    if resume and run.checkpoint.exists():
        step, best = _restore(load_state(run.checkpoint), model, optimizer, scaler)

    def save() -> None:
        save_state(run.checkpoint, _capture(step, best, model, optimizer, scaler))

    model.train()
    with Journal(run.journal, start_step=step, total_steps=plan.total_steps) as journal, _stop_signals() as stop:
        for batch in _batches(examples, plan, settings, start=step, pad_token_id=pad_token_id, num_labels=num_labels):
            rate = settings.learning_rate * linear_decay(step, plan.warmup, plan.total_steps)
            loss = _update(model, batch.to(device), optimizer, scaler, rate, settings, sift)
            step += 1
            if not math.isfinite(loss):
                raise KorsciError(
                    f"the loss is {loss} at step {step}; "
                    "lower --learning-rate, lengthen --warmup or use --precision float32"
                )
            journal.step(loss, int(batch.attention_mask.sum()))
            if step % settings.log_every == 0 or plan.evaluates_after(step):
                journal.log_training(step, step / plan.steps_per_epoch, rate)
            if plan.evaluates_after(step):
                figures = evaluate()
                journal.log_evaluation(step, "dev", figures, metric)
                if best is None or figures[metric] > best:
                    best = figures[metric]
                    save_model()
                save()
            if stop.is_set() and step < plan.total_steps:
                if best is None:
                    save_model()
                save()
                raise Interrupted(step)


def _batches(
    examples: Sequence[EncodedExample],
    plan: Plan,
    settings: TrainSettings,
    *,
    start: int,
    pad_token_id: int,
    num_labels: int,
) -> Iterator[Batch]:
    """Yield the batches of all epochs from step `start` on."""
    lengths = [len(example.input_ids) for example in examples]
    for epoch in range(start // plan.steps_per_epoch, settings.epochs):
        order = train_order(lengths, settings.batch_size, settings.seed, epoch)
        for indices in order[max(0, start - epoch * plan.steps_per_epoch) :]:
            yield collate([examples[i] for i in indices], pad_token_id, num_labels)


def _update(
    model: nn.Module,
    batch: Batch,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    rate: float,
    settings: TrainSettings,
    sift: Sift | None,
) -> float:
    """Make one optimizer step and return the loss of the batch."""
    assert batch.targets is not None
    with autocast(settings.precision, batch.input_ids.device):
        logits = model(batch.input_ids, batch.attention_mask, batch.token_type_ids).logits
        loss = soft_cross_entropy(logits, batch.targets)
        if sift is not None:
            loss = loss + sift.loss(model, batch, logits)
    scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    scaler.unscale_(optimizer)
    if settings.max_grad_norm:
        nn.utils.clip_grad_norm_(model.parameters(), settings.max_grad_norm)
    for group in optimizer.param_groups:
        group["lr"] = rate
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad(set_to_none=True)
    return float(loss.detach())


def _capture(
    step: int,
    best: float | None,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
) -> TrainingState:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return TrainingState(
        step, best, model.state_dict(), optimizer.state_dict(), scaler.state_dict(), torch.get_rng_state(), cuda
    )


def _restore(
    state: TrainingState, model: nn.Module, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler
) -> tuple[int, float | None]:
    model.load_state_dict(state.model)
    optimizer.load_state_dict(state.optimizer)
    scaler.load_state_dict(state.scaler)
    torch.set_rng_state(state.cpu_rng)
    if state.cuda_rng:
        torch.cuda.set_rng_state_all(state.cuda_rng)
    return state.step, state.best_metric


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Turn the first SIGINT or SIGTERM into a set event; a second SIGINT stops at once."""
    stop = threading.Event()

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
