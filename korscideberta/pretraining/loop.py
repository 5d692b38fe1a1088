"""The loop of pretraining: flat phases over steps, exact resume, the newest model kept."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Protocol

import numpy as np
import torch

from korscideberta.collective import is_main, rank, total, world_size
from korscideberta.data.prefetch import prepared
from korscideberta.errors import KorsciError
from korscideberta.pretraining.batches import BatchMaker, MaskedBatch
from korscideberta.pretraining.masking import RowRandom
from korscideberta.pretraining.rows import rows_of_step
from korscideberta.pretraining.settings import PretrainSettings
from korscideberta.run import RunDirectory
from korscideberta.training.checkpointing import Checkpoints, RandomStates, Stateful
from korscideberta.training.distributed import seed_process
from korscideberta.training.journal import Journal, SilentJournal
from korscideberta.training.signals import Interrupted, StopRequests
from korscideberta.training.stopping import Divergence
from korscideberta.training.update import NotFinite

logger = logging.getLogger(__name__)

_REMEDY = "lower --learning-rate, lengthen --warmup or use --precision float32 or bf16"


class Learner(Protocol):
    """What is trained: one model, or several together."""

    metric: str
    """The figure of an evaluation to show."""

    def parts(self) -> dict[str, Stateful]:
        """All that must be in a checkpoint."""

    def update(self, batches: Sequence[MaskedBatch], factor: float) -> float:
        """Learn from the parts of a batch at the peak rates times `factor`; return the loss."""

    def evaluate(self) -> dict[str, float]:
        """The figures on the validation rows, none where there are no rows."""

    def save(self) -> None:
        """Write the models as they are now to the run directory; called in all processes."""


def pretrain(
    learner: Learner,
    maker: BatchMaker,
    settings: PretrainSettings,
    run: RunDirectory,
    device: torch.device,
    *,
    resume: bool,
    stop: StopRequests,
    deadline: float | None = None,
) -> dict[str, float]:
    """Train, leave the models in the run directory, and return the figures of the last evaluation.

    Args:
        learner: what is trained, in training mode.
        maker: makes the batches.
        settings: hyper-parameters.
        run: where checkpoints, models and the journal go.
        device: where batches are wanted.
        resume: go on from the newest whole checkpoint, where there is one.
        stop: requests to stop, which the loop lets wait for the end of a step.
        deadline: the time, by `time.monotonic`, after which a step is the last one, as if a signal had come.

    Raises:
        Interrupted: a signal, or the deadline, asked to stop; the state was saved at the end of the step.
        KorsciError: the loss is no longer finite or has run away.
    """
    divergence = Divergence()
    journal: Journal = SilentJournal()
    if is_main():
        journal = Journal(
            run.journal,
            total_steps=settings.max_steps,
            device=device,
            tensorboard=run.tensorboard if settings.tensorboard else None,
        )
    parts = {**learner.parts(), "divergence": divergence, "journal": journal, "random": RandomStates()}
    checkpoints = Checkpoints(run.checkpoints, settings.keep_last)
    seed_process(settings.seed, rank(), world_size())
    step = checkpoints.load(parts) if resume else 0
    figures: dict[str, float] = {}
    if step == settings.max_steps:
        figures = learner.evaluate()
        learner.save()
    with (
        journal.recording(step),
        stop.deferred(),
        closing(prepared(update_batches(maker, settings, device), range(step, settings.max_steps))) as updates,
    ):
        for number, batches in updates:
            factor = settings.factor(number)
            try:
                loss = learner.update(batches, factor)
            except NotFinite as error:
                raise KorsciError(f"{error} at step {number + 1}; {_REMEDY}") from None
            step = number + 1
            rate = settings.learning_rate * factor
            journal.step(loss, sum(map(len, batches)) * world_size(), rate)
            if trouble := divergence.seen(loss):
                raise KorsciError(f"{trouble} at step {step}; {_REMEDY}")
            if settings.logs_after(step):
                journal.log_training(step * settings.batch_size / len(maker.rows), rate)
            if settings.evaluates_after(step):
                figures = learner.evaluate()
                if figures:
                    journal.log_evaluation("dev", figures, learner.metric, best=False)
                learner.save()
            late = deadline is not None and time.monotonic() > deadline
            stopping = total(stop.requested or late)[0] > 0 and step < settings.max_steps
            if stopping or settings.saves_after(step):
                checkpoints.save(step, parts)
            if stopping:
                learner.save()
                raise Interrupted(step)
    return figures


def update_batches(
    maker: BatchMaker, settings: PretrainSettings, device: torch.device
) -> Callable[[int], list[MaskedBatch]]:
    """What makes this process's share of an update's batch, in parts."""
    places = np.array_split(np.arange(rank(), settings.batch_size, world_size()), settings.accumulate)

    def batches(step: int) -> list[MaskedBatch]:
        rows = rows_of_step(step, settings.batch_size, len(maker.rows), settings.seed)
        return [maker.make(rows[part], RowRandom(settings.seed, step, part.tolist())).to(device) for part in places]

    return batches


def validation_batches(maker: BatchMaker, settings: PretrainSettings) -> list[MaskedBatch]:
    """This process's share of the batches of the first validation rows, always masked alike."""
    count = min(settings.eval_rows, len(maker.rows))
    # A step that no run reaches, so that the numbers are none of training's.
    last = 2**64 - 1
    return [
        maker.make(range(start, end), RowRandom(settings.seed, last, range(start, end)))
        for start in list(range(0, count, settings.eval_batch_size))[rank() :: world_size()]
        for end in [min(start + settings.eval_batch_size, count)]
    ]
