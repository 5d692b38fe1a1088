"""A run that is killed anywhere goes on to the weights and records of the run that was not.

Each run to be killed is a forked process that kills itself, as `kill -9` would, on the nth call of some function.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from dataclasses import replace

import pytest
import torch
from kills import die_at_call, in_a_fork
from training_runs import SETTINGS, records, run_training, weights

from korscideberta.errors import DataError
from korscideberta.model.checkpoints import writing as model_files
from korscideberta.training import checkpointing, journal, update
from korscideberta.training.checkpointing import Checkpoints

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

SAVING = replace(SETTINGS, save_every=3, label_smoothing=0.1, layer_decay=0.9, sift_lambda=1.0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    model, run = run_training(tmp_path_factory.mktemp("whole") / "run", settings=SAVING)
    return weights(model), records(run), (run.model / "model.safetensors").read_bytes()


def is_that_of(whole, folder):
    model, run = run_training(folder, settings=SAVING, resume=True)
    assert torch.equal(weights(model), whole[0])
    assert records(run) == whole[1]
    assert (run.model / "model.safetensors").read_bytes() == whole[2]
    assert not [path for path in folder.rglob("*") if path.name.endswith(".tmp")]


# The checkpoints come after the steps 3, 4, 6, 8, 9, 12, 15 and 16.
POINTS = {
    "the first update": (update.nn.utils, "clip_grad_norm_", 1),
    "an update": (update.nn.utils, "clip_grad_norm_", 11),
    "the first write of the first checkpoint": (checkpointing._HashingStream, "write", 1),
    "a write in a later checkpoint": (checkpointing._HashingStream, "write", 400),
    "before the manifest": (checkpointing, "_write_synced", 4),
    "before the rename": (checkpointing, "_sync_folder", 5),
    "before old ones go": (Checkpoints, "_prune", 5),
    "the best model's file": (model_files, "save_file", 1),
    "a record": (journal.Journal, "_write", 7),
}


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_killed_at(whole, tmp_path, point):
    folder = tmp_path / "run"

    def work():
        die_at_call(*point)
        run_training(folder, settings=SAVING)

    assert in_a_fork(work) == signal.SIGKILL
    is_that_of(whole, folder)


def test_killed_again_and_again(whole, tmp_path):
    folder = tmp_path / "run"
    for number, calls in enumerate((5, 2, 4, 3)):

        def work(calls=calls, number=number):
            die_at_call(update.nn.utils, "clip_grad_norm_", calls, after=True)
            run_training(folder, settings=SAVING, resume=number > 0)

        assert in_a_fork(work) == signal.SIGKILL
    is_that_of(whole, folder)


@pytest.mark.parametrize("limit", [2_000, 30_000])
def test_a_file_system_that_takes_no_more(whole, tmp_path, limit):
    """The kernel refuses to let files grow beyond the limit, as it does on a full disk."""
    folder = tmp_path / "run"

    def fill():
        begun = [False]

        def evaluated(count):
            if count == 2:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
                begun[0] = True

        try:
            run_training(folder, settings=SAVING, on_evaluation=evaluated)
        except DataError as error:
            told = "cannot be written" in str(error) and "File too large" in str(error)
            return 7 if begun[0] and told else 1
        return 2

    assert in_a_fork(fill) == -7
    assert max(Checkpoints(folder / "checkpoints", 2).steps()) == 6
    is_that_of(whole, folder)
    assert sys.platform.startswith(("linux", "darwin"))
