"""A sample of the lines of a stream that depends on the seed and on where lines stand, and on nothing else."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Priorities = npt.NDArray[np.uint64]

HIGHEST = 2**64 - 1


def priorities(seed: int, block: int, count: int) -> Priorities:
    """Pseudo-random numbers (count,) for the lines of block number `block`; the lowest of a stream are its sample."""
    return np.random.Philox(key=np.array([seed, block], dtype=np.uint64)).random_raw(count)


class Lowest:
    """Finds the `size` lowest of all the numbers it is shown; holds twice as many and a block at most."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._parts: list[Priorities] = []
        self._held = 0
        self._bound = HIGHEST

    @property
    def bound(self) -> int:
        """No number above it is among the lowest; at first every number may be."""
        return self._bound

    def add(self, numbers: Priorities) -> None:
        """Show it numbers (n,)."""
        below = numbers[numbers <= self._bound]
        self._parts.append(below)
        self._held += len(below)
        if self._held >= 2 * self.size:
            self.settle()

    def settle(self) -> int:
        """Bring `bound` down to the highest of the lowest seen so far, and return it."""
        held = np.concatenate([np.empty(0, dtype=np.uint64), *self._parts])
        if len(held) >= self.size:
            held = np.partition(held, self.size - 1)[: self.size]
            self._bound = int(held[-1])
        self._parts, self._held = [held], len(held)
        return self._bound
