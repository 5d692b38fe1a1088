"""Dynamic loss scaling for fp16, as the original implementation does it (DeBERTa/optims/fp16_optimizer.py)."""

from __future__ import annotations

from typing import Any

INITIAL_SCALE = 16384.0
GROWTH_INTERVAL = 250


class LossScaler:
    """A factor on the loss that keeps fp16 gradients above underflow.

    It is halved when gradients overflow, down to 1, and the same update is then computed again; it is doubled once more
    than 250 updates have passed since it last changed. Unless `dynamic` it is 1 throughout.
    """

    def __init__(self, *, dynamic: bool) -> None:
        self.dynamic = dynamic
        self.scale = INITIAL_SCALE if dynamic else 1.0
        self._steps = 0
        self._changed = 0

    def succeeded(self) -> None:
        """Note an update whose gradients were finite."""
        if self.dynamic and self._steps - self._changed > GROWTH_INTERVAL:
            self.scale *= 2
            self._changed = self._steps
        self._steps += 1

    def shrink(self) -> bool:
        """Note an overflow; False when the scale cannot become smaller."""
        if self.scale <= 1:
            return False
        self.scale /= 2
        self._changed = self._steps
        self._steps += 1
        return True

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` takes."""
        return {"scale": self.scale, "steps": self._steps, "changed": self._changed}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.scale, self._steps, self._changed = state["scale"], state["steps"], state["changed"]
