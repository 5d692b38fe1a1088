"""How long a run is, what its batches are and what happens after which step."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from korscideberta.data.batching import train_order
from korscideberta.training.schedule import SCHEDULES, warmup_steps
from korscideberta.training.settings import TrainSettings


@dataclass(frozen=True)
class Plan:
    """Follows from the lengths of the examples and the settings."""

    lengths: Sequence[int]
    """Tokens of every training example."""
    ends: tuple[int, ...]
    """Steps done at the end of each epoch, or at the last step where the run ends before; batches of so many tokens may
    make epochs of different length."""
    last_epoch: int
    """Steps of the last epoch, were it whole."""
    warmup: int
    settings: TrainSettings

    @classmethod
    def of(cls, lengths: Sequence[int], settings: TrainSettings) -> Plan:
        """Work the plan out.

        Raises:
            DataError: an example alone has more than `settings.batch_tokens` tokens.
        """
        if settings.batch_tokens is None:
            counts = [math.ceil(len(lengths) / settings.batch_size)] * settings.epochs
        else:
            counts = [len(_order(lengths, settings, epoch)) for epoch in range(settings.epochs)]
        ends = tuple(accumulate(counts))
        if settings.max_steps is not None and settings.max_steps < ends[-1]:
            ends = (*(end for end in ends if end < settings.max_steps), settings.max_steps)
        return cls(lengths, ends, counts[len(ends) - 1], warmup_steps(settings.warmup, ends[-1]), settings)

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.ends[-1]

    def order(self, epoch: int) -> list[list[int]]:
        """Return the batches of an epoch, of all processes together, as numbers of examples."""
        return _order(self.lengths, self.settings, epoch)

    def batches(self, start: int) -> Iterator[list[int]]:
        """Yield the batch of each step from the one with that number (from 0) on, through all epochs."""
        for epoch in range(bisect_right(self.ends, start), len(self.ends)):
            begin = self._begin(epoch)
            yield from self.order(epoch)[max(0, start - begin) : self.ends[epoch] - begin]

    def epochs_after(self, step: int) -> float:
        """How many epochs are done after that many steps."""
        epoch = min(bisect_right(self.ends, step), len(self.ends) - 1)
        begin = self._begin(epoch)
        whole = self.last_epoch if epoch == len(self.ends) - 1 else self.ends[epoch] - begin
        return epoch + (step - begin) / whole

    def factor(self, step: int) -> float:
        """Return the factor on the learning rates of the step with that number (from 0)."""
        return SCHEDULES[self.settings.schedule](step, self.total_steps, self.warmup, self.settings.schedule_end)

    def evaluates_after(self, step: int) -> bool:
        """Tell whether the dev set is scored once that many steps are done."""
        every = self.settings.eval_every
        return step == self.total_steps or (step % every == 0 if every else step in self.ends)

    def logs_after(self, step: int) -> bool:
        """Tell whether a training record is written once that many steps are done."""
        return step % self.settings.log_every == 0 or self.evaluates_after(step)

    def saves_after(self, step: int) -> bool:
        """Tell whether a checkpoint is due, besides those after evaluations, once that many steps are done."""
        return bool(self.settings.save_every) and step % self.settings.save_every == 0

    def _begin(self, epoch: int) -> int:
        return self.ends[epoch - 1] if epoch else 0


def _order(lengths: Sequence[int], settings: TrainSettings, epoch: int) -> list[list[int]]:
    return train_order(lengths, settings.batch_size, settings.seed, epoch, batch_tokens=settings.batch_tokens)
