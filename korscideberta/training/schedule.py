"""Learning-rate schedules as pure functions of the step.

Each takes the number of the step (from 0), the number of all steps, the number of warm-up steps and the factor to end
at, and returns the factor on the learning rate. Those called `warmup_…` are the schedules of the original
implementation (DeBERTa/optims/lr_schedulers.py) with their peculiarities: the first step of a warm-up has the factor
0, and `warmup_linear` falls from 1 at step 0 on, so that it drops at the end of the warm-up. The one called `linear` is
`warmup_linear_shift` one step on: no step is lost to the factor 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable

Schedule = Callable[[int, int, int, float], float]

_CYCLES = 4


def warmup_steps(warmup: float, total_steps: int) -> int:
    """Return the number of warm-up steps; a value below 1 is a share of the total, as in the original launchers."""
    return round(warmup * total_steps) if warmup < 1 else int(warmup)


def linear(step: int, total: int, warmup: int, end: float = 0.0) -> float:
    """Rise from 1 / warmup to 1 over the warm-up, then fall in a line that reaches `end` after the last step.

    A warm-up that is longer than the run keeps rising to its end.
    """
    if step < warmup:
        return (step + 1) / warmup
    return end + (1 - end) * max(0.0, (total - step) / max(1, total - warmup))


def warmup_linear(step: int, total: int, warmup: int, end: float = 0.0) -> float:
    """Rise in a line, then follow the line from 1 at step 0 to `end` after the last step."""
    if step < warmup:
        return step / warmup
    return end + (1 - end) * (1 - step / total)


def warmup_linear_shift(step: int, total: int, warmup: int, end: float = 0.0) -> float:
    """Rise in a line, then fall in a line from 1 at the end of the warm-up."""
    if step < warmup:
        return step / warmup
    return end + (1 - end) * (1 - _progress(step, total, warmup))


def warmup_constant(step: int, total: int, warmup: int, end: float = 0.0) -> float:
    """Rise in a line and stay at 1; `end` has no effect."""
    return step / warmup if step < warmup else 1.0


def warmup_cosine(step: int, total: int, warmup: int, end: float = 0.0) -> float:
    """Rise in a line, then follow the half cosine that starts at step 0; `end` has no effect."""
    return step / warmup if step < warmup else 0.5 * (1 + math.cos(math.pi * step / total))


def warmup_linear_cosine(step: int, total: int, warmup: int, end: float = 0.0) -> float:
    """Rise in a line, then follow a half cosine from 1 at the end of the warm-up to `end`."""
    if step < warmup:
        return step / warmup
    return end + (1 - end) * 0.5 * (1 + math.cos(math.pi * _progress(step, total, warmup)))


def warmup_cyclic_linear_cosine(step: int, total: int, warmup: int, end: float = 0.0) -> float:
    """Rise in a line, then fall in four cosine waves around a line.

    The share of the warm-up is taken from the steps twice, as in the original: the waves begin before the warm-up's
    end, by that share of the warm-up.
    """
    if step < warmup:
        return step / warmup
    share = warmup / total
    waved = total - int(total * share)
    place = step - int(waved * share)
    period = max(1, waved // _CYCLES)
    cycle = place // period
    wave = (-1.0) ** cycle * math.cos(math.pi * place / period) - 1
    return end + (1 - end) * max(0.0, 1 - cycle / _CYCLES + wave / (2 * _CYCLES))


def _progress(step: int, total: int, warmup: int) -> float:
    return (step - warmup) / max(1, total - warmup)


SCHEDULES: dict[str, Schedule] = {
    function.__name__: function
    for function in (
        linear,
        warmup_linear,
        warmup_linear_shift,
        warmup_constant,
        warmup_cosine,
        warmup_linear_cosine,
        warmup_cyclic_linear_cosine,
    )
}
"""Schedules by the name that --schedule takes."""
