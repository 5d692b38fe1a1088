from __future__ import annotations

import errno
import json
import logging
import random

import numpy as np
import pytest
import torch
from training_runs import SETTINGS, records, run_training, weights

from korscideberta.errors import DataError, ModelError
from korscideberta.files import file_sha256
from korscideberta.training import checkpointing
from korscideberta.training.checkpointing import Checkpoints, RandomStates


class Counter:
    def __init__(self, value=0):
        self.value = value

    def state_dict(self):
        return {"value": self.value, "tensor": torch.full((50_000,), float(self.value))}

    def load_state_dict(self, state):
        assert float(state["tensor"][0]) == state["value"]
        self.value = state["value"]


@pytest.fixture
def saved(tmp_path):
    checkpoints = Checkpoints(tmp_path / "checkpoints", keep_last=2)
    for step in (3, 6, 9):
        checkpoints.save(step, {"counter": Counter(step)})
    return checkpoints


def loaded(checkpoints):
    counter = Counter()
    step = checkpoints.load({"counter": counter})
    assert counter.value == step
    return step


def test_the_last_ones_stay_and_the_checksum_is_that_of_the_file(saved):
    assert saved.steps() == [9, 6]
    assert sorted(path.name for path in saved.folder.iterdir()) == ["step-00000006", "step-00000009"]
    entry = json.loads((saved.path(9) / "manifest.json").read_text())["files"]["state.pt"]
    state = saved.path(9) / "state.pt"
    assert (entry["sha256"], entry["bytes"]) == (file_sha256(state), state.stat().st_size)
    assert loaded(saved) == 9
    assert Checkpoints(saved.folder.parent / "none", 1).load({}) == 0


def flip_a_bit(folder):
    path = folder / "state.pt"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_short(folder):
    path = folder / "state.pt"
    path.write_bytes(path.read_bytes()[:1000])


DAMAGES = {
    "bit": flip_a_bit,
    "cut": cut_short,
    "no state": lambda folder: (folder / "state.pt").unlink(),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "empty manifest": lambda folder: (folder / "manifest.json").write_text(""),
    "foreign": lambda folder: (folder / "manifest.json").write_text("[1]"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_one_is_passed_over(saved, caplog, damage):
    damage(saved.path(9))
    with caplog.at_level(logging.WARNING):
        assert loaded(saved) == 6
    assert "step-00000009" in caplog.text
    assert "damaged checkpoint" in caplog.text
    assert "going on from step 6" in caplog.text
    saved.save(7, {"counter": Counter(7)})
    assert saved.steps() == [7, 6]
    saved.save(9, {"counter": Counter(9)})
    assert loaded(saved) == 9


def test_all_damaged(saved):
    for step in (6, 9):
        cut_short(saved.path(step))
    with pytest.raises(ModelError, match="every checkpoint is damaged; start anew with --overwrite"):
        saved.load({"counter": Counter()})


@pytest.mark.parametrize("allowed", [0, 100, 100_000])
def test_a_full_disk_leaves_the_checkpoints_there_were(saved, monkeypatch, allowed):
    original = checkpointing._HashingStream.write

    def write(self, block):
        if self.size + len(block) > allowed:
            self._stream = Full()
        return original(self, block)

    class Full:
        def write(self, block):
            raise OSError(errno.ENOSPC, "No space left on device")

        def flush(self):
            pass

    with monkeypatch.context() as patch:
        patch.setattr(checkpointing._HashingStream, "write", write)
        with pytest.raises(DataError, match=r"step-00000012.*No space left.*after step 9 is intact.*--resume"):
            saved.save(12, {"counter": Counter(12)})
    assert sorted(path.name for path in saved.folder.iterdir()) == ["step-00000006", "step-00000009"]
    assert loaded(saved) == 9


def test_what_an_earlier_kill_left_is_cleared(saved):
    (saved.folder / ".step-00000010.tmp").mkdir()
    (saved.folder / ".step-00000010.tmp" / "state.pt").write_bytes(b"half")
    (saved.folder / "step-00000012").mkdir()  # damaged, so the run went on before it
    assert Checkpoints(saved.folder, 2).steps() == [12, 9, 6]
    assert loaded(saved) == 9
    saved.save(10, {"counter": Counter(10)})
    assert sorted(path.name for path in saved.folder.iterdir()) == ["step-00000009", "step-00000010"]


def test_every_generator_goes_on_where_it_was(tmp_path):
    def draw():
        return [random.random(), random.gauss(0, 1), np.random.rand(), np.random.randn(), float(torch.randn(()))]

    random.gauss(0, 1)  # leaves a second number in store, as does randn
    np.random.randn()
    checkpoints = Checkpoints(tmp_path, 1)
    checkpoints.save(1, {"random": RandomStates()})
    expected = draw()
    draw()
    checkpoints.load({"random": RandomStates()})
    assert draw() == expected


def test_a_run_goes_on_from_the_checkpoint_before_a_damaged_one(tmp_path):
    whole, run = run_training(tmp_path / "a")
    flip_a_bit(run.checkpoints / "step-00000016")
    resumed, again = run_training(tmp_path / "a", resume=True)
    assert torch.equal(weights(whole), weights(resumed))
    assert [record["step"] for record in records(again)] == [2, 4, 4, 6, 8, 8, 10, 12, 12, 14, 16, 16]
    assert Checkpoints(run.checkpoints, 2).load({}) == 16


def test_a_full_disk_during_training_is_one_line_and_the_run_can_go_on(tmp_path, monkeypatch):
    whole, run = run_training(tmp_path / "whole")
    original = checkpointing._write_synced

    def full(path, text):
        if "step-00000012" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        original(path, text)

    with monkeypatch.context() as patch:
        patch.setattr(checkpointing, "_write_synced", full)
        with pytest.raises(DataError, match="No space left on device"):
            run_training(tmp_path / "parts")
    resumed, parts = run_training(tmp_path / "parts", resume=True)
    assert torch.equal(weights(whole), weights(resumed))
    assert records(parts) == records(run)
    assert SETTINGS.keep_last == 2
