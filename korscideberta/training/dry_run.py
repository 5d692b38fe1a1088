"""What a run would do, told without writing anything."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from korscideberta.collective import world_size
from korscideberta.precision import autocast
from korscideberta.tasks import Task
from korscideberta.training.finetune import ModelChoice, Prepared, Source, long_texts, model_size, prepare
from korscideberta.training.memory import MemoryEstimate, estimate
from korscideberta.training.parallel import local_parts
from korscideberta.training.plan import Plan
from korscideberta.training.settings import TrainSettings

_SHOWN = 5
_PIECES = 60
_GOLD = 60


def dry_run(task: Task, source: Source, choice: ModelChoice, settings: TrainSettings, *, device: torch.device) -> str:
    """Prepare the run, compute the loss of its largest batch once, and describe plan, memory and first batch.

    Raises:
        KorsciError: as `prepare`.
    """
    ready = prepare(task, source, choice, settings, device=device)
    lengths = ready.encoded["train"].lengths
    plan = Plan.of(lengths, settings)
    order = plan.order(0)
    # A model that is to be shared out may not fit on the device as it is.
    where = torch.device("cpu") if settings.sharding == "full" else device
    ready.model.to(where)
    memory = estimate(
        ready.model,
        lambda: _largest_loss(ready, order, lengths, where),
        model_shares=world_size() if settings.sharding == "full" else 1,
        optimizer_shares=1 if settings.sharding == "none" else world_size(),
    )
    return "\n".join([*_data(ready, lengths), *_plan(plan, device), _memory(memory), *_first_batch(ready, order[0])])


def _data(ready: Prepared, lengths: Sequence[int]) -> list[str]:
    rows = " + ".join(f"{len(rows):,} {split}" for split, rows in ready.examples.items())
    labels = f", {len(ready.kind.labels)} labels" if ready.kind.labels else ""
    told = long_texts(ready)
    return [
        f"task       {ready.task.name}: {rows} examples{labels}",
        f"model      {model_size(ready.model)}",
        f"length     {sum(lengths) / len(lengths):.1f} tokens on average, {max(lengths)} at most "
        f"(limit {ready.record['max_length']})",
        *([] if told is None else [f"long       {told}"]),
    ]


def _plan(plan: Plan, device: torch.device) -> list[str]:
    settings = plan.settings
    parts = f" in {settings.accumulate} parts" if settings.accumulate > 1 else ""
    tokens = settings.batch_tokens
    size = f"{settings.batch_size} examples" if tokens is None else f"up to {tokens:,} tokens"
    counts = sorted({plan.last_epoch, *(end - begin for begin, end in pairwise((0, *plan.ends[:-1])))})
    steps = " to ".join(f"{count:,}" for count in dict.fromkeys((counts[0], counts[-1])))
    evaluates = (
        f"every {settings.eval_every:,} steps and after the last" if settings.eval_every else "after every epoch"
    )
    places = sorted({0, plan.warmup, plan.total_steps // 2, plan.total_steps - 1} & set(range(plan.total_steps)))
    rates = ", ".join(f"{settings.learning_rate * plan.factor(step):.2e} at {step + 1}" for step in places)
    return [
        f"steps      {plan.total_steps:,}: {plan.epochs_after(plan.total_steps):.4g} epochs of {steps}, "
        f"{size} each{parts}, {settings.precision} on {device}",
        f"rate       {settings.schedule}, {plan.warmup:,} steps of warm-up; {rates}",
        f"evaluates  {evaluates}",
    ]


def _largest_loss(ready: Prepared, order: list[list[int]], lengths: Sequence[int], device: torch.device) -> Tensor:
    """The loss of the part with most tokens of all batches of the first epoch."""
    settings = ready.settings
    parts = [part for batch in order for part in local_parts(batch, settings.accumulate)[0]]
    largest = max(parts, key=lambda part: sum(lengths[i] for i in part))
    batch = ready.encoded["train"].batch(largest).to(device)
    ready.model.train()
    with autocast(settings.precision, device):
        logits = ready.model(**batch.inputs).logits
        return ready.objective(logits, batch)


def _memory(memory: MemoryEstimate) -> str:
    named = ", ".join(
        f"{name} {getattr(memory, name) / 1e9:.2f}" for name in ("weights", "gradients", "optimizer", "activations")
    )
    return f"memory     about {memory.total / 1e9:.2f} GB, temporary results aside: {named} (the largest batch)"


def _first_batch(ready: Prepared, indices: list[int]) -> list[str]:
    features = ready.encoded["train"]
    lines = [f"batch 1    {len(indices)} examples, {sum(features.lengths[i] for i in indices):,} tokens"]
    for index in indices[:_SHOWN]:
        example = ready.examples["train"][features.owners[index]]
        gold = ready.kind.gold(example)
        shown = "|".join(map(str, gold)) if isinstance(gold, list) else str(gold)
        lines.append(f"  {example.id}  {shown[:_GOLD]}  {features.lengths[index]} tokens")
    pieces = ready.tokenizer.convert_ids_to_tokens(features.batch(indices[:1]).input_ids.tolist())
    rest = " …" if len(pieces) > _PIECES else ""
    return [*lines, f"  first: {' '.join(pieces[:_PIECES])}{rest}"]
