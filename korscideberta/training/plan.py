"""How long a run is and what happens after which step."""

from __future__ import annotations

import math
from dataclasses import dataclass

from korscideberta.training.schedule import SCHEDULES, warmup_steps
from korscideberta.training.settings import TrainSettings


@dataclass(frozen=True)
class Plan:
    """Follows from the number of examples and the settings."""

    steps_per_epoch: int
    total_steps: int
    warmup: int
    settings: TrainSettings

    @staticmethod
    def of(examples: int, settings: TrainSettings) -> Plan:
        """Work the plan out."""
        per_epoch = math.ceil(examples / settings.batch_size)
        total = per_epoch * settings.epochs
        return Plan(per_epoch, total, warmup_steps(settings.warmup, total), settings)

    @property
    def eval_every(self) -> int:
        """Steps between evaluations."""
        return self.settings.eval_every or self.steps_per_epoch

    def factor(self, step: int) -> float:
        """Return the factor on the learning rates of the step with that number (from 0)."""
        return SCHEDULES[self.settings.schedule](step, self.total_steps, self.warmup, self.settings.schedule_end)

    def evaluates_after(self, step: int) -> bool:
        """Tell whether the dev set is scored once that many steps are done."""
        return step % self.eval_every == 0 or step == self.total_steps

    def logs_after(self, step: int) -> bool:
        """Tell whether a training record is written once that many steps are done."""
        return step % self.settings.log_every == 0 or self.evaluates_after(step)

    def saves_after(self, step: int) -> bool:
        """Tell whether a checkpoint is due, besides those after evaluations, once that many steps are done."""
        return bool(self.settings.save_every) and step % self.settings.save_every == 0
