"""What several processes hold only a share of, and the whole of it for checkpoints and model files.

Sharing the optimizer's state is stage 1 of Rajbhandari et al. 2020 (arXiv 1910.02054), sharing all of it stage 3.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from korscideberta.collective import is_main, world_size
from korscideberta.errors import ConfigError, DependencyError
from korscideberta.model.encoder import PretrainedModel
from korscideberta.model.layers import EncoderLayer
from korscideberta.training.adamw import AdamW

if TYPE_CHECKING:
    from korscideberta.training.checkpointing import Stateful

# torch's classes for this are imported where they are used, since they load its compiler.


def check_sharding(sharding: str) -> None:
    """Refuse to share what only a single process holds; raises ConfigError."""
    if sharding != "none" and world_size() == 1:
        raise ConfigError(f"--sharding {sharding}: there is one process; add --processes N or leave it out")


def place(model: nn.Module, device: torch.device, sharding: str) -> None:
    """Move a model to a device or, of sharding `full`, this process's share of every layer.

    The gradients of a model in shards are the sums over all processes.

    Raises:
        DependencyError: torch is too old to share out a model.
    """
    if sharding != "full":
        model.to(device)
        return
    try:
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method

        if not hasattr(FSDPModule, "set_force_sum_reduction_for_comms"):
            raise ImportError
    except ImportError:
        raise DependencyError("--sharding full: torch is too old for it; run: pip install -U torch") from None
    # What attention gives is a view, and nothing here changes it in place.
    warnings.filterwarnings("ignore", message=r".*returned a view tensor")
    mesh = init_device_mesh(device.type, (world_size(),))
    for layer in [module for module in model.modules() if isinstance(module, EncoderLayer)]:
        # The parts that a layer lets others call are gathered for each of these calls.
        fully_shard(layer.attention, mesh=mesh)
        for name in ("project_positions", "keys_values", "attend_to"):
            register_fsdp_forward_method(layer.attention, name)
        fully_shard(layer, mesh=mesh)
        register_fsdp_forward_method(layer, "decode")
    fully_shard(model, mesh=mesh)
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.set_gradient_divide_factor(1.0)
            module.set_force_sum_reduction_for_comms(True)  # gloo can only sum


def shard_optimizer(groups: list[dict[str, Any]], **settings: Any) -> Optimizer:
    """Return AdamW of which each process keeps and updates the moments of its share of the parameters only."""
    from torch.distributed.optim import ZeroRedundancyOptimizer

    return ZeroRedundancyOptimizer(groups, AdamW, **settings)


def save_whole(model: PretrainedModel, kind: type[PretrainedModel], folder: Path, sharding: str) -> None:
    """Let the main process write a model, which is of that class, in the usual layout; all must ask together."""
    if sharding == "full":
        weights = _whole_weights(model)
        if not is_main():
            return
        # Without memory of its own, and so without drawing random numbers.
        with torch.device("meta"):
            whole = kind(model.config)
        whole.load_state_dict(weights, assign=True)
        whole.load_report = model.load_report
        model = whole
    if is_main():
        model.save_pretrained(folder)


def whole_states(model: nn.Module, optimizer: Optimizer, sharding: str) -> tuple[Stateful, Stateful]:
    """Return what saves the states of model and optimizer as if nothing were shared, and loads them.

    Only the main process is given the states to save; all must ask together.
    """
    if sharding == "full":
        return _ShardedModel(model), _OptimizerOfShards(optimizer)
    return model, _ShardedOptimizer(optimizer) if sharding == "optimizer" else optimizer


class _ShardedOptimizer:
    """A ZeroRedundancyOptimizer."""

    def __init__(self, optimizer: Any) -> None:
        self._optimizer = optimizer

    def state_dict(self) -> dict[str, Any]:
        self._optimizer.consolidate_state_dict(to=0)
        if not is_main():
            return {}
        state: dict[str, Any] = self._optimizer.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._optimizer.load_state_dict(state)
        # That puts the step counts on the CPU; the fused kernel wants them beside the parameters.
        for parameter, values in self._optimizer.optim.state.items():
            values["step"] = values["step"].to(parameter.device)


class _ShardedModel:
    """A model that `place` has shared out."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model

    def state_dict(self) -> dict[str, Any]:
        return _whole_weights(self._model)

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, tensor in self._model.state_dict().items():
            tensor.copy_(_shard_like(tensor, state[name]))


class _OptimizerOfShards:
    """An optimizer over the parameters of a model that `place` has shared out."""

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer

    def state_dict(self) -> dict[str, Any]:
        state = self._optimizer.state_dict()
        whole = {
            number: {name: _whole(value) for name, value in values.items()} for number, values in state["state"].items()
        }
        return {**state, "state": whole} if is_main() else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        parameters = [parameter for group in self._optimizer.param_groups for parameter in group["params"]]
        shards = {
            number: {name: _shard_like(parameters[number], value) for name, value in values.items()}
            for number, values in state["state"].items()
        }
        self._optimizer.load_state_dict({**state, "state": shards})


def _whole_weights(model: nn.Module) -> dict[str, Any]:
    weights = {name: _whole(tensor) for name, tensor in model.state_dict().items()}
    return weights if is_main() else {}


def _whole(tensor: Tensor) -> Tensor | None:
    """Gather a tensor in the main process, in ordinary memory."""
    gathered: Tensor = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
    return gathered.detach().cpu() if is_main() else None


def _shard_like(like: Tensor, whole: Tensor) -> Tensor:
    """Return this process's share of a tensor as another of its shape is shared out; all of a number."""
    from torch.distributed.tensor import DTensor, distribute_tensor

    if not isinstance(like, DTensor) or whole.shape != like.shape:
        return whole
    return distribute_tensor(whole.to(like.device), like.device_mesh, like.placements, src_data_rank=None)
