"""Learning-rate schedules as pure functions of the step."""

from __future__ import annotations


def warmup_steps(warmup: float, total_steps: int) -> int:
    """Return the number of warm-up steps; a value below 1 is a share of the total, as in the original launchers."""
    return round(warmup * total_steps) if warmup < 1 else int(warmup)


def linear_decay(step: int, warmup: int, total_steps: int) -> float:
    """Return the factor on the learning rate of the step with that number (from 0).

    It rises linearly from 1 / warmup to 1 over the warm-up, then falls linearly to reach 0 after the last step.
    A warm-up that is longer than the run keeps rising to its end.
    """
    if step < warmup:
        return (step + 1) / warmup
    return max(0.0, (total_steps - step) / max(1, total_steps - warmup))
