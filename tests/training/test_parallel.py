"""Updates of several processes are those of one with the same batches."""

from __future__ import annotations

import math
import os
from importlib import import_module

import numpy as np
import pytest
import torch
from process_groups import in_processes
from training_runs import EXAMPLES, STILL, weights

from korscideberta.data.batching import collate
from korscideberta.data.features import ClassificationFeatures
from korscideberta.inference import predict_logits
from korscideberta.model import DebertaV2ForSequenceClassification
from korscideberta.training.losses import ClassificationLoss
from korscideberta.training.parallel import local_parts, replicate
from korscideberta.training.scaling import LossScaler
from korscideberta.training.sharding import place
from korscideberta.training.update import Updater

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

# The third has fewer examples than the processes together have parts, the last fewer than there are processes.
BATCHES = (list(range(13)), list(range(13, 23)), [23, 24, 25], [29])


class Descent:
    """Plain gradient descent: the steps of AdamW would hardly depend on how large gradients are."""

    def __init__(self, parameters):
        self.param_groups = [{"params": list(parameters), "peak": 0.3}]

    @torch.no_grad()
    def step(self):
        for parameter in self.param_groups[0]["params"]:
            parameter -= self.param_groups[0]["lr"] * parameter.grad

    def zero_grad(self, set_to_none):
        for parameter in self.param_groups[0]["params"]:
            parameter.grad = None


def updates(accumulate=1, max_grad_norm=0.0, sharding="none"):
    """Make an update of each batch; return its losses, the gradients' norms and the weights."""
    torch.manual_seed(0)
    model = DebertaV2ForSequenceClassification(STILL).train()
    place(model, torch.device("cpu"), sharding)
    objective = ClassificationLoss([10, 10, 10], weights=[0.2, 1.0, 5.0], smoothing=0.1)
    optimizer = Descent(model.parameters())
    scaler = LossScaler(dynamic=False)
    updater = Updater(
        replicate(model) if sharding == "none" else model, optimizer, objective, "float32", max_grad_norm, None, scaler
    )
    losses = []
    for batch in BATCHES:
        parts, borrowed = local_parts(batch, accumulate)
        losses.append(updater.step([collate([EXAMPLES[i] for i in part], 3) for part in parts], 1.0, borrowed))
    return losses, weights(model)


@pytest.mark.parametrize("sharding", ["none", "full"])
@pytest.mark.parametrize(("accumulate", "max_grad_norm"), [(1, 0.0), (3, 0.1)])
def test_two_processes_make_the_updates_of_one(tmp_path, accumulate, max_grad_norm, sharding):
    if sharding == "full":
        import_module("torch.distributed.fsdp")  # once, before the processes are forked
    losses, after = updates(1, max_grad_norm)
    for member in in_processes(tmp_path, lambda rank: updates(accumulate, max_grad_norm, sharding)):
        assert member.code == 0, member.err
        assert member.err == ""
        assert member.result[0] == pytest.approx(losses, abs=1e-6)
        torch.testing.assert_close(member.result[1], after, rtol=0, atol=1e-6)


def test_a_model_in_shards_gives_the_logits_of_the_whole(tmp_path):
    import_module("torch.distributed.fsdp")  # once, before the processes are forked
    torch.manual_seed(0)
    model, features = DebertaV2ForSequenceClassification(STILL), ClassificationFeatures(EXAMPLES, 3)
    whole = predict_logits(model, features, batch_size=7)

    def evaluate(rank):
        place(model, torch.device("cpu"), "full")
        return predict_logits(model, features, batch_size=7)

    for member in in_processes(tmp_path, evaluate):
        assert (member.code, member.err) == (0, "")
        np.testing.assert_allclose(member.result, whole, rtol=0, atol=1e-6)


@pytest.mark.parametrize("batch_size", [4, 7, 100])
def test_evaluation_is_shared_and_everybody_gets_all(tmp_path, batch_size):
    """Thirty examples: an even number of batches, an odd one, and a single one."""
    torch.manual_seed(0)
    model, features = DebertaV2ForSequenceClassification(STILL), ClassificationFeatures(EXAMPLES, 3)
    passes = []
    model.register_forward_hook(lambda module, inputs, output: passes.append(len(output.logits)))

    def evaluate(rank=0):
        passes.clear()
        return predict_logits(model, features, batch_size=batch_size), list(passes)

    whole, of_one = evaluate()
    first, second = in_processes(tmp_path, evaluate)
    for member in (first, second):
        assert (member.code, member.err) == (0, "")
        np.testing.assert_array_equal(member.result[0], whole)
        assert len(member.result[1]) == math.ceil(len(of_one) / 2)
