"""Runs of two processes: they stop, fail, are killed and go on together."""

from __future__ import annotations

import logging
import os
import signal
import time
from dataclasses import replace

import pytest
import torch
from kills import die_at_call
from process_groups import in_processes
from training_runs import SETTINGS, records, run_training, weights

from korscideberta.collective import first_of_each_machine, from_main, gathered, is_main, rank, total, world_size
from korscideberta.errors import ConfigError, DataError
from korscideberta.model import DebertaV2ForSequenceClassification
from korscideberta.run import RunDirectory
from korscideberta.training import update
from korscideberta.training.checkpointing import Checkpoints
from korscideberta.training.distributed import Membership, seed_process
from korscideberta.training.optimizer import build_optimizer
from korscideberta.training.sharding import check_sharding, whole_states
from korscideberta.training.signals import STOPPED

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

# With dropout and SiFT, so that every process draws random numbers.
SAVING = replace(SETTINGS, epochs=2, save_every=3, label_smoothing=0.1, accumulate=2, sift_lambda=1.0)


def trained(folder, *, settings=SAVING, resume=False, **options):
    return weights(run_training(folder, settings=settings, resume=resume, **options)[0])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    members = in_processes(folder / "told", lambda rank: trained(folder / "run"))
    assert [(member.code, member.err) for member in members] == [(0, "")] * 2
    assert torch.equal(members[0].result, members[1].result)
    return members[0].result, records(RunDirectory(folder / "run"))


def goes_on_to(whole, folder, tmp_path, settings=SAVING):
    for member in in_processes(tmp_path / "again", lambda rank: trained(folder, settings=settings, resume=True)):
        assert (member.code, member.err) == (0, "")
        assert torch.equal(member.result, whole[0])
    assert records(RunDirectory(folder)) == whole[1]
    assert not [path for path in folder.rglob("*") if path.name.endswith(".tmp")]


@pytest.mark.parametrize(("killed", "calls"), [(0, 2), (1, 7)])
def test_killed(whole, tmp_path, killed, calls):
    folder = tmp_path / "run"

    def work(rank):
        if rank == killed:
            die_at_call(update.nn.utils, "clip_grad_norm_", calls)
        trained(folder)

    members = in_processes(tmp_path, work)
    assert members[killed].code == -signal.SIGKILL
    assert members[1 - killed].code == 7
    assert "another process ended without a word" in members[1 - killed].err
    goes_on_to(whole, folder, tmp_path)


def test_a_sharded_optimizer_makes_the_same_updates_and_goes_on_after_a_kill(whole, tmp_path):
    folder, settings = tmp_path / "run", replace(SAVING, sharding="optimizer")

    def work(rank):
        if rank == 1:
            die_at_call(update.nn.utils, "clip_grad_norm_", 7)
        trained(folder, settings=settings)

    in_processes(tmp_path, work)
    assert Checkpoints(folder / "checkpoints", 2).steps()[0] == 6
    goes_on_to(whole, folder, tmp_path, settings)


@pytest.fixture(scope="module")
def in_shards(tmp_path_factory):
    """As `whole`, of a model that is shared out too."""

    folder, settings = tmp_path_factory.mktemp("shards"), replace(SAVING, sharding="full")
    members = in_processes(folder / "told", lambda rank: trained(folder / "run", settings=settings))
    assert [member.code for member in members] == [0, 0], members
    return members[0].result, records(RunDirectory(folder / "run")), folder / "run" / "model"


def test_a_model_in_shards_learns_the_same(whole, in_shards):
    torch.testing.assert_close(in_shards[0], whole[0], rtol=0, atol=1e-4)
    for one, other in zip(in_shards[1], whole[1], strict=True):
        assert one == pytest.approx(other, abs=1e-4)


def test_a_model_in_shards_is_saved_in_the_usual_layout(in_shards):
    saved = DebertaV2ForSequenceClassification.from_pretrained(in_shards[2])
    assert type(saved).__name__ in (in_shards[2] / "config.json").read_text()
    assert weights(saved).shape == in_shards[0].shape


def test_a_model_in_shards_goes_on_after_a_kill(in_shards, tmp_path):
    folder, settings = tmp_path / "run", replace(SAVING, sharding="full")

    def work(rank):
        if rank == 0:
            die_at_call(update.nn.utils, "clip_grad_norm_", 7)
        trained(folder, settings=settings)

    in_processes(tmp_path, work)
    assert Checkpoints(folder / "checkpoints", 2).steps()[0] == 6
    goes_on_to(in_shards, folder, tmp_path, settings)


def test_each_process_holds_a_share_of_the_moments(tmp_path):
    def held(rank):
        model = torch.nn.Sequential(*(torch.nn.Linear(8, 8) for _ in range(4)))
        optimizer = build_optimizer(model, replace(SETTINGS, sharding="optimizer"))
        model(torch.ones(1, 8)).sum().backward()
        optimizer.step()
        mine = sum(state["exp_avg"].numel() for state in optimizer.optim.state.values())
        saved = whole_states(model, optimizer, "optimizer")[1].state_dict()
        return mine, sum(state["exp_avg"].numel() for state in saved["state"].values()) if saved else None

    first, second = (member.result for member in in_processes(tmp_path, held))
    assert first[0] == second[0] == 4 * 72 / 2
    assert (first[1], second[1]) == (4 * 72, None)


def test_a_single_process_has_nothing_to_share():
    with pytest.raises(ConfigError, match="--sharding optimizer: there is one process; add --processes"):
        check_sharding("optimizer")


def test_stopped_by_a_signal_to_any_of_them(whole, tmp_path):
    folder = tmp_path / "run"

    def work(number):
        def evaluated(count):
            if number == 1 and count == 1:
                os.kill(os.getpid(), signal.SIGUSR1)

        trained(folder, on_evaluation=evaluated)

    main, other = in_processes(tmp_path, work)
    assert (main.code, other.code) == (STOPPED, STOPPED)
    assert "stopped after step 4" in main.err
    assert other.err == ""
    assert Checkpoints(folder / "checkpoints", 2).steps()[0] == 4
    goes_on_to(whole, folder, tmp_path)


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_of_one_ends_all_and_is_told_once(tmp_path, failing):
    def work(number):
        if number == failing:
            raise DataError("a.csv:3: no label")
        total(1.0)

    began = time.monotonic()
    members = in_processes(tmp_path, work)
    assert time.monotonic() - began < 60
    assert [member.code for member in members] == [7, 7]
    assert members[failing].err == "told: DataError('a.csv:3: no label')\n"
    assert members[1 - failing].err == ""


def test_an_error_of_all_is_told_once(tmp_path):
    def work(number):
        raise DataError("a.csv: no such file")

    members = in_processes(tmp_path, work)
    assert [member.code for member in members] == [7, 7]
    assert sorted(member.err for member in members) == ["", "told: DataError('a.csv: no such file')\n"]


def test_a_process_that_is_busy_elsewhere_is_ended_too(tmp_path):
    def work(number):
        if number == 0:
            raise DataError("a.csv: no such file")
        time.sleep(60)

    assert [member.code for member in in_processes(tmp_path, work)] == [7, 7]


def test_what_processes_tell_each_other(tmp_path):
    def work(number):
        logging.getLogger("korscideberta").warning("only the main process says this")
        order = []
        with first_of_each_machine():
            order += [sorted(path.name for path in tmp_path.glob("left-*"))]
            (tmp_path / f"left-{number}").touch()
        return (
            rank(), world_size(), is_main(), total(number + 0.5, 1.0), gathered(str(number)), from_main(number), order,
        )  # fmt: skip

    first, second = in_processes(tmp_path, work)
    assert first.result == (0, 2, True, [2.0, 2.0], ["0", "1"], 0, [[]])
    assert second.result == (1, 2, False, [2.0, 2.0], ["0", "1"], 0, [["left-0"]])
    assert "only the main process says this" in first.err
    assert second.err == ""


def test_every_process_has_random_numbers_of_its_own():
    drawn = {}
    for seed in (0, 1):
        for number in (0, 1):
            seed_process(seed, number, 2)
            drawn[seed, number] = torch.rand(3).tolist()
    seed_process(0, 1, 2)
    assert torch.rand(3).tolist() == drawn[0, 1]
    assert len({tuple(numbers) for numbers in drawn.values()}) == 4


def test_a_single_process_draws_on():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    seed_process(0, 0, 1)
    assert torch.equal(torch.rand(3), expected)


GROUP = {"RANK": "1", "LOCAL_RANK": "0", "WORLD_SIZE": "4", "MASTER_ADDR": "node1", "MASTER_PORT": "29500"}


def test_membership_is_read_from_the_variables_of_torchrun():
    assert Membership.of(GROUP) == Membership(1, 0, 4, "node1", 29500)
    assert Membership.of({"RANK": "1", "WORLD_SIZE": "4"}) is None
    assert Membership.of({**GROUP, "RANK": "0", "WORLD_SIZE": "1"}) is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"RANK": "4"}, "RANK=4: must be below WORLD_SIZE=4"),
        ({"RANK": "one"}, "RANK=one: must be a whole number"),
        ({"MASTER_PORT": None}, "MASTER_PORT is not set"),
        ({"MASTER_ADDR": None}, "MASTER_ADDR is not set"),
        ({"WORLD_SIZE": None}, "WORLD_SIZE is not set"),
    ],
)
def test_impossible_variables_are_named(change, told):
    variables = {name: value for name, value in {**GROUP, **change}.items() if value is not None}
    with pytest.raises(ConfigError, match=told):
        Membership.of(variables)
