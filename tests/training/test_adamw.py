from __future__ import annotations

import copy
import io
import subprocess
import sys

import pytest
import torch
from torch import nn

from korscideberta.training.adamw import AdamW

VALUES = {"betas": (0.8, 0.95), "eps": 1e-6}


def pair():
    """The same small model under ours and under torch's optimizer; `run` gives its last layer no gradient."""
    made = []
    for kind, more in ((AdamW, {}), (torch.optim.AdamW, {"fused": True})):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(7, 5), nn.Linear(5, 3), nn.Linear(3, 2))
        groups = [
            {"params": [p for p in model.parameters() if p.ndim > 1], "lr": 1e-2, "weight_decay": 0.1, "peak": 1e-2},
            {"params": iter([p for p in model.parameters() if p.ndim == 1]), "lr": 3e-2, "weight_decay": 0.0},
        ]
        made.append((model, kind(groups, **VALUES, **more)))
    return made


def run(model, optimizer, steps, seed=1):
    random = torch.Generator().manual_seed(seed)
    for step in range(steps):
        model[:2](torch.randn(4, 7, generator=random)).square().sum().backward()
        optimizer.param_groups[0]["lr"] = 1e-2 / (step + 1)
        optimizer.step()
        optimizer.zero_grad()


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_updates_are_those_of_torch_to_the_last_bit():
    (ours, mine), (theirs, peer) = pair()
    before = weights(ours).clone()
    run(ours, mine, 5)
    run(theirs, peer, 5)
    assert torch.equal(weights(ours), weights(theirs))
    assert not torch.equal(weights(ours), before)
    assert all(parameter.grad is None for parameter in ours.parameters())


@pytest.mark.parametrize("direction", ["ours to torch", "torch to ours", "ours to ours"])
def test_a_saved_state_goes_on_anywhere(direction):
    (ours, mine), (theirs, peer) = pair()
    if direction == "torch to ours":
        ours, mine, theirs, peer = theirs, peer, ours, mine
    elif direction == "ours to ours":
        theirs, peer = pair()[0]
    run(ours, mine, 3)
    stream = io.BytesIO()
    torch.save(mine.state_dict(), stream)
    stream.seek(0)
    theirs.load_state_dict(ours.state_dict())
    peer.load_state_dict(torch.load(stream))
    if direction == "ours to torch":
        for group in peer.param_groups:
            group["fused"] = True  # torch has other kernels besides, which round otherwise
    run(ours, mine, 3, seed=2)
    run(theirs, peer, 3, seed=2)
    assert torch.equal(weights(ours), weights(theirs))


def test_a_state_of_other_groups():
    (_, mine), _ = pair()
    state = copy.deepcopy(mine.state_dict())
    state["param_groups"].pop()
    with pytest.raises(ValueError, match="other groups"):
        mine.load_state_dict(state)


def test_gradients_may_stay_as_zeros_and_a_closure_gives_the_loss():
    (model, optimizer), _ = pair()

    def closure():
        loss = model(torch.ones(2, 7)).square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure) > 0
    optimizer.zero_grad(set_to_none=False)
    assert all(parameter.grad.count_nonzero() == 0 for parameter in model.parameters())


def test_a_first_step_loads_neither_the_compiler_nor_what_only_evaluation_needs():
    program = """
import sys, torch
import korscideberta.evaluation.tables, korscideberta.training.dry_run, korscideberta.training.seeds
from korscideberta.training.adamw import AdamW
weight = torch.nn.Parameter(torch.ones(3))
optimizer = AdamW([{"params": [weight]}])
weight.sum().backward()
optimizer.step()
optimizer.zero_grad()
optimizer.load_state_dict(optimizer.state_dict())
print({"torch._dynamo", "sklearn", "scipy", "pandas", "matplotlib", "transformers"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == "set()\n"
