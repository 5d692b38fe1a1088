from __future__ import annotations

import json
import sys
from types import ModuleType

import pytest
import torch

from korscideberta.training.journal import Journal
from korscideberta.training.tensorboard import TensorBoard


class Writer:
    """Takes what torch's SummaryWriter takes."""

    def __init__(self, folder, purge_step):
        self.folder, self.purge_step, self.scalars, self.closed = folder, purge_step, [], False
        WRITERS.append(self)

    def add_scalar(self, name, value, step):
        self.scalars.append((name, value, step))

    def close(self):
        self.closed = True


WRITERS: list[Writer] = []


@pytest.fixture
def writers(monkeypatch):
    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr(torch.utils, "tensorboard", module, raising=False)
    WRITERS.clear()
    return WRITERS


def journal_in(folder):
    return Journal(folder / "m.jsonl", total_steps=10, device=torch.device("cpu"), tensorboard=folder / "tensorboard")


def test_the_same_numbers_go_to_the_file_and_to_tensorboard(tmp_path, writers):
    journal = journal_in(tmp_path)
    with journal.recording(4):
        journal.step(2.0, 100, 1e-3)
        journal.step(1.0, 100, 1e-3)
        journal.log_training(0.6, 1e-3)
        journal.log_evaluation("dev", {"accuracy": 0.75}, "accuracy", best=True)
    (writer,) = writers
    assert (writer.folder, writer.purge_step, writer.closed) == (str(tmp_path / "tensorboard"), 5, True)
    train, dev = (json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines())
    assert (train["loss"], train["learning_rate"], dev["accuracy"]) == (1.5, 1e-3, 0.75)
    assert writer.scalars == [
        *((f"train/{name}", value, 6) for name, value in train.items() if name != "step"),
        ("dev/accuracy", 0.75, 6),
    ]


def test_records_after_the_step_are_dropped_and_the_mean_goes_on(tmp_path, writers):
    first = journal_in(tmp_path)
    with first.recording(0):
        first.step(1.0, 10, 1e-3)
        first.log_training(0.1, 1e-3)
        first.step(2.0, 10, 1e-3)
        state = first.state_dict()
        first.step(9.0, 10, 1e-3)
        first.log_training(0.3, 1e-3)
    (tmp_path / "m.jsonl").open("a").write('{"step": 3, "lo')  # cut short by a kill
    second = journal_in(tmp_path)
    second.load_state_dict(state)
    with second.recording(2):
        second.step(4.0, 10, 1e-3)
        second.log_training(0.3, 1e-3)
    records = [json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines()]
    assert [(record["step"], record["loss"]) for record in records] == [(1, 1.0), (3, 3.0)]


def test_a_real_event_file(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for start, value in ((0, 1.0), (2, 5.0)):
        board = TensorBoard(tmp_path, start)
        for step in (start + 1, start + 2, start + 3):
            board.write("train", step, {"step": step, "loss": value, "split": "dev"})
        board.close()
    events = accumulator.EventAccumulator(str(tmp_path)).Reload()
    assert events.Tags()["scalars"] == ["train/loss"]
    assert [(event.step, event.value) for event in events.Scalars("train/loss")] == [
        (1, 1.0), (2, 1.0), (3, 5.0), (4, 5.0), (5, 5.0),
    ]  # fmt: skip
