"""Pretraining in two processes: the updates of one, and the same end after a kill."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from kills import die_at_call
from pretraining_runs import SETTINGS, pair_file, records, run_mlm, shape_file, start
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))  # process_groups.py stands there

from process_groups import in_processes

from korscideberta.errors import ConfigError
from korscideberta.pretraining import update
from korscideberta.pretraining.models import CorpusChoice
from korscideberta.pretraining.rtd import DetectionSettings
from korscideberta.pretraining.runs import PairChoice, train_detection
from korscideberta.pretraining.update import sum_gradients
from korscideberta.run import RunDirectory

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

SHORT = replace(SETTINGS, max_steps=6, eval_every=3, save_every=2, accumulate=2, eval_batch_size=5, learning_rate=2e-3)


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    """A shape without dropout."""
    folder = tmp_path_factory.mktemp("shape")
    return shape_file(folder, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)


def test_two_processes_make_the_updates_of_one(prepared, still, tmp_path):
    run, figures = run_mlm(tmp_path / "one", prepared, still, settings=SHORT)
    members = in_processes(
        tmp_path / "told", lambda rank: run_mlm(tmp_path / "two", prepared, still, settings=SHORT)[1]
    )
    assert [(member.code, member.err) for member in members] == [(0, "")] * 2
    assert members[0].result == members[1].result == pytest.approx(figures, rel=1e-3)
    assert [line.get("loss") for line in records(RunDirectory(tmp_path / "two"))] == pytest.approx(
        [line.get("loss") for line in records(run)], rel=1e-3
    )
    one, two = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("one", "two"))
    for name in one:
        torch.testing.assert_close(two[name], one[name], atol=3e-3, rtol=1e-2)
    with pytest.raises(ConfigError, match="world_size was 2, now 1"):
        run_mlm(tmp_path / "two", prepared, still, settings=SHORT, resume=True)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return pair_file(tmp_path_factory.mktemp("pair"))


def detect(folder, prepared, pair, **options):
    models = PairChoice(model=pair)
    run = RunDirectory(folder)
    settings = replace(SHORT, max_steps=4)
    return train_detection(
        CorpusChoice(data=prepared.folder), models, settings, DetectionSettings(), run, start(**options)
    )


def test_killed(prepared, pair, tmp_path):
    whole = in_processes(tmp_path / "told", lambda rank: detect(tmp_path / "whole", prepared, pair))
    assert [(member.code, member.err) for member in whole] == [(0, "")] * 2
    assert whole[0].result == whole[1].result

    def killed(rank):
        if rank == 1:
            die_at_call(update.nn.utils, "clip_grad_norm_", 5, after=True)
        detect(tmp_path / "run", prepared, pair)

    assert in_processes(tmp_path / "killed", killed)[1].code == -signal.SIGKILL
    again = in_processes(tmp_path / "again", lambda rank: detect(tmp_path / "run", prepared, pair, resume=True))
    assert [member.result for member in again] == [whole[0].result] * 2
    for part in ("model", "generator"):
        file = Path(part) / "model.safetensors"
        assert (tmp_path / "run" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()


def test_gradients_that_some_processes_lack(tmp_path):
    def work(rank):
        weights = [torch.nn.Parameter(torch.zeros(2)) for _ in range(3)]
        weights[0].grad = torch.full((2,), 1.0 + rank)
        if rank:
            weights[1].grad = torch.ones(2)
        sum_gradients(weights)
        return [None if weight.grad is None else weight.grad.tolist() for weight in weights]

    for member in in_processes(tmp_path, work):
        assert (member.code, member.err) == (0, "")
        assert member.result == [[3.0, 3.0], [1.0, 1.0], None]


def test_too_few_rows_for_all(prepared, still, tmp_path):
    small = replace(SHORT, batch_size=3, accumulate=2)
    members = in_processes(tmp_path / "told", lambda rank: run_mlm(tmp_path / "run", prepared, still, settings=small))
    assert [member.code for member in members] == [7, 7]
    assert "--batch-size 3: too few rows for 2 processes with --accumulate 2" in "".join(m.err for m in members)
