"""When training ends before its last step: no better figure for a while, or a loss that runs away."""

from __future__ import annotations

import math
from collections import deque
from statistics import fmean
from typing import Any

_FIRST, _WINDOW = 5, 20
_FACTOR, _MARGIN = 4.0, 2.0


class BestFigure:
    """The best dev figure so far and how many evaluations ago it was.

    Larger is better, the first of equals stays, and any number is better than none (NaN).
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.value: float | None = None
        self.evaluations_since = 0

    def improves(self, figure: float) -> bool:
        """Take the figure of an evaluation and tell whether it is the best."""
        if self.value is not None and not math.isnan(self.value) and not figure > self.value:
            self.evaluations_since += 1
            return False
        self.value, self.evaluations_since = figure, 0
        return True

    @property
    def exhausted(self) -> bool:
        """Whether the figure has not improved for `patience` evaluations; never with a patience of 0."""
        return 0 < self.patience <= self.evaluations_since

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` takes."""
        return {"value": self.value, "evaluations_since": self.evaluations_since}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.value, self.evaluations_since = state["value"], state["evaluations_since"]


class Divergence:
    """Notices when the mean loss of the last 20 steps is beyond 4 × that of the first 5, plus 2.

    A loss that is well scaled starts near log(number of labels) and comes near that bound only when training fails.
    """

    def __init__(self) -> None:
        self._first: list[float] = []
        self._recent: deque[float] = deque(maxlen=_WINDOW)

    def seen(self, loss: float) -> str | None:
        """Take the loss of a step; say what happened when it has run away."""
        if len(self._first) < _FIRST:
            self._first.append(loss)
        self._recent.append(loss)
        first, recent = fmean(self._first), fmean(self._recent)
        if len(self._recent) < _WINDOW or recent <= _FACTOR * first + _MARGIN:
            return None
        return f"the mean loss of the last {_WINDOW} steps is {recent:.3g}, that of the first {_FIRST} was {first:.3g},"

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` takes."""
        return {"first": list(self._first), "recent": list(self._recent)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._first, self._recent = list(state["first"]), deque(state["recent"], maxlen=_WINDOW)
