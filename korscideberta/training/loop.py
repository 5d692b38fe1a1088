"""The training loop: flat phases, exact resume, best model kept."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

from torch import nn

from korscideberta.collective import is_main, rank, total, world_size
from korscideberta.data.batching import Batch
from korscideberta.data.features import Features
from korscideberta.data.prefetch import prepared
from korscideberta.errors import KorsciError
from korscideberta.run import RunDirectory
from korscideberta.training.adversarial import Sift
from korscideberta.training.checkpointing import Checkpoints, RandomStates, Stateful
from korscideberta.training.distributed import seed_process
from korscideberta.training.journal import Journal, SilentJournal
from korscideberta.training.losses import Objective
from korscideberta.training.optimizer import build_optimizer
from korscideberta.training.parallel import local_parts, replicate
from korscideberta.training.plan import Plan
from korscideberta.training.scaling import LossScaler
from korscideberta.training.settings import TrainSettings
from korscideberta.training.sharding import whole_states
from korscideberta.training.signals import Interrupted, StopRequests
from korscideberta.training.stopping import BestFigure, Divergence
from korscideberta.training.update import NotFinite, Updater

logger = logging.getLogger(__name__)

_NAMED = 8
_REMEDY = "lower --learning-rate, lengthen --warmup or use --precision float32, and look at those examples"


def train(
    model: nn.Module,
    features: Features,
    *,
    settings: TrainSettings,
    objective: Objective,
    run: RunDirectory,
    ids: Sequence[str],
    evaluate: Callable[[], Mapping[str, float]],
    metric: str,
    save_model: Callable[[], None],
    resume: bool,
    stop: StopRequests,
) -> None:
    """Train `model` in place and leave the checkpoint that is best on dev under the run directory.

    Args:
        model: a model with a head on the device to train on, frozen where it shall be; see `place`.
        features: encoded training examples with targets.
        settings: hyper-parameters; every field takes effect.
        objective: the loss.
        run: where checkpoints and the journal go.
        ids: names of the features' examples, for messages.
        evaluate: returns the dev figures of the model as it is now.
        metric: the figure, larger is better, that selects the best model; the first of equal ones stays.
        save_model: writes the model as it is now to the run directory.
        resume: go on from the newest whole checkpoint, where there is one.
        stop: requests to stop, which the loop lets wait for the end of a step.

    Raises:
        Interrupted: a signal asked to stop; the state was saved at the end of the step.
        KorsciError: the loss is no longer finite or has run away.
    """
    device = next(model.parameters()).device
    plan = Plan.of(features.lengths, settings)
    optimizer = build_optimizer(model, settings)
    scaler = LossScaler(dynamic=settings.precision == "fp16")
    sift = None
    if settings.sift_lambda:
        sift = Sift(settings.sift_lambda, settings.sift_lr, settings.sift_init, objective.change)
    trained = model if settings.sharding == "full" else replicate(model)
    updater = Updater(trained, optimizer, objective, settings.precision, settings.max_grad_norm, sift, scaler)
    best, divergence = BestFigure(settings.patience), Divergence()
    journal: Journal = SilentJournal()
    if is_main():
        journal = Journal(
            run.journal,
            total_steps=plan.total_steps,
            device=device,
            tensorboard=run.tensorboard if settings.tensorboard else None,
        )
    model_state, optimizer_state = whole_states(model, optimizer, settings.sharding)
    parts: dict[str, Stateful] = {
        "model": model_state, "optimizer": optimizer_state, "scaler": scaler, "best": best, "divergence": divergence,
        "journal": journal, "random": RandomStates(),
    }  # fmt: skip
    checkpoints = Checkpoints(run.checkpoints, settings.keep_last)
    seed_process(settings.seed, rank(), world_size())
    step = checkpoints.load(parts) if resume else 0

    def collated(indices: list[int]) -> tuple[list[Batch], int]:
        parts, borrowed = local_parts(indices, settings.accumulate)
        return [features.batch(part).to(device) for part in parts], borrowed

    model.train()
    with (
        journal.recording(step),
        stop.deferred(),
        closing(prepared(collated, plan.batches(step))) as updates,
    ):
        for indices, (batches, borrowed) in updates:
            if best.exhausted:
                logger.info("step %d: no better %s for %d evaluations, stopping", step, metric, settings.patience)
                break
            factor = plan.factor(step)
            try:
                loss = updater.step(batches, factor, borrowed)
            except NotFinite as error:
                raise _failure(str(error), step + 1, indices, ids) from None
            step += 1
            rate = settings.learning_rate * factor
            journal.step(loss, sum(plan.lengths[i] for i in indices), rate)
            if trouble := divergence.seen(loss):
                raise _failure(trouble, step, indices, ids)
            if plan.logs_after(step):
                journal.log_training(plan.epochs_after(step), rate)
            if plan.evaluates_after(step):
                figures = evaluate()
                better = best.improves(figures[metric])
                journal.log_evaluation("dev", figures, metric, best=better)
                if better:
                    save_model()
            stopping = total(stop.requested)[0] > 0 and step < plan.total_steps and not best.exhausted
            if stopping and best.value is None:
                save_model()
            if stopping or plan.evaluates_after(step) or plan.saves_after(step):
                checkpoints.save(step, parts)
            if stopping:
                raise Interrupted(step)


def _failure(what: str, step: int, indices: Sequence[int], ids: Sequence[str]) -> KorsciError:
    named = ", ".join(ids[i] for i in indices[:_NAMED])
    more = f" and {len(indices) - _NAMED} more" if len(indices) > _NAMED else ""
    return KorsciError(f"{what} at step {step}, on the examples {named}{more}; {_REMEDY}")
