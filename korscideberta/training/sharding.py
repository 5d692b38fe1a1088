"""What several processes hold only a share of, and the whole of it for checkpoints and model files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.optim import Optimizer

from korscideberta.collective import is_main, world_size
from korscideberta.errors import ConfigError
from korscideberta.training.adamw import AdamW

if TYPE_CHECKING:
    from korscideberta.training.checkpointing import Stateful


def check_sharding(sharding: str) -> None:
    """Refuse to share what only a single process holds; raises ConfigError."""
    if sharding != "none" and world_size() == 1:
        raise ConfigError(f"--sharding {sharding}: there is one process; add --processes N or leave it out")


def shard_optimizer(groups: list[dict[str, Any]], **settings: Any) -> Optimizer:
    """Return AdamW of which each process keeps and updates the moments of its share of the parameters only.

    Source: Rajbhandari et al. 2020 (arXiv 1910.02054), stage 1.
    """
    # Imported here, since it loads torch's compiler.
    from torch.distributed.optim import ZeroRedundancyOptimizer

    return ZeroRedundancyOptimizer(groups, AdamW, **settings)


def whole_state(optimizer: Optimizer) -> Stateful:
    """Return what saves the state of all of an optimizer, in the form of one that is not sharded, and loads it."""
    return _Gathered(optimizer) if hasattr(optimizer, "consolidate_state_dict") else optimizer


class _Gathered:
    """A sharded optimizer whose state the main process saves and every process loads its share of."""

    def __init__(self, optimizer: Any) -> None:
        self._optimizer = optimizer

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state in the main process; all processes must ask together."""
        self._optimizer.consolidate_state_dict(to=0)
        if not is_main():
            return {}
        state: dict[str, Any] = self._optimizer.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._optimizer.load_state_dict(state)
        # That puts the step counts on the CPU; the fused kernel wants them beside the parameters.
        for parameter, values in self._optimizer.optim.state.items():
            values["step"] = values["step"].to(parameter.device)
