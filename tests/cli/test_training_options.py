"""Seeds, dry runs, repeats and refusals of `korsci train`."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

import pytest
from cli_calls import TINY, call


@pytest.fixture(scope="module")
def arguments(table):
    return ["train", "classify", "--train", table, "--dev", table, "--text", "제목", "--label", "분야", *TINY]


def figures_of(folder):
    return json.loads((folder / "metrics.json").read_text())


@pytest.fixture(scope="module")
def seeds(arguments, tmp_path_factory):
    folder = tmp_path_factory.mktemp("seeds") / "run"
    outcome = call(*arguments, "--seeds", "1", "2", "--out", folder, "--learning-rate", "1e-6")
    assert outcome.code == 0, outcome.err
    return folder, outcome


def test_seeds_give_mean_and_spread(seeds):
    folder, outcome = seeds
    each = [figures_of(folder / f"seed-{seed}")["dev"] for seed in (1, 2)]
    spread = figures_of(folder)["dev"]
    assert each[0]["mrr"] != each[1]["mrr"]
    for name in ("accuracy", "f1_macro", "mrr"):
        values = [figures[name] for figures in each]
        assert spread[name] == pytest.approx(statistics.mean(values))
        assert spread[f"{name}_sd"] == pytest.approx(statistics.stdev(values))
    assert spread["documents"] == 24
    assert f"{spread['mrr']:.4f} ± {spread['mrr_sd']:.4f}" in outcome.out
    assert "over the seeds 1, 2" in outcome.out
    assert json.loads((folder / "run.json").read_text())["seeds"] == [1, 2]
    assert call("predict", folder / "seed-2", "금리").code == 0
    whole = call("predict", folder, "금리")
    assert whole.code == 2
    assert "seed-1" in whole.err


def test_seeds_go_on_where_one_is_missing(seeds, arguments, tmp_path):
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(seeds[0], folder)
    before = figures_of(folder)
    (folder / "metrics.json").unlink()
    (folder / "seed-2" / "metrics.json").unlink()
    shutil.rmtree(folder / "seed-2" / "checkpoints")
    stamp = (folder / "seed-1" / "run.json").stat().st_mtime_ns
    outcome = call("train", "--config", folder / "run.json", "--device", "cpu", "--out", folder, "--resume")
    assert outcome.code == 0, outcome.err
    assert figures_of(folder) == before
    assert (folder / "seed-1" / "run.json").stat().st_mtime_ns == stamp
    single = call(*arguments, "--out", folder, "--resume")
    assert single.code == 2
    assert "runs with the seeds [1, 2]; add --seeds" in single.err


def test_seeds_must_differ(arguments, tmp_path):
    for seeds in (("3",), ("3", "3")):
        outcome = call(*arguments, "--seeds", *seeds, "--out", tmp_path / "run")
        assert outcome.code == 2
        assert "two or more different seeds" in outcome.err
    assert not list(tmp_path.iterdir())


def test_one_seed_or_several(seeds, arguments, table, tmp_path):
    cv = ("cv", "classify", "--data", table, "--text", "제목", "--label", "분야")
    for command in (arguments, cv):
        outcome = call(*command, "--seed", "1", "--seeds", "1", "2", "--out", tmp_path / "run")
        assert outcome.code == 2
        assert outcome.err.startswith("error: --seed and --seeds: give one of them.")
        assert len(outcome.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())
    again = ("train", "--config", seeds[0] / "run.json", "--device", "cpu", "--max-steps", "1")
    assert call(*again, "--seed", "5", "--out", tmp_path / "one").code == 0
    assert json.loads((tmp_path / "one" / "run.json").read_text())["settings"]["seed"] == 5


def contents(folder: Path):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_dry_run_shows_the_plan_and_writes_nothing(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    options = "--epochs 4 --batch-size 8 --accumulate 2 --freeze 1 --schedule warmup_cosine --dry-run"
    outcome = call(*arguments, *options.split())
    assert outcome.code == 0, outcome.err
    shown = outcome.out
    assert "24 train + 24 dev examples, 3 labels" in shown
    assert "12: 4 epochs of 3, 8 examples each in 2 parts, float32 on cpu" in shown
    assert "warmup_cosine, 1 steps of warm-up; 0.00e+00 at 1" in shown
    assert "of them trained" in shown
    assert "memory     about 0." in shown
    assert "batch 1    8 examples" in shown
    assert "[CLS]" in shown
    tokens = call(*arguments, "--batch-tokens", "40", "--epochs", "3", "--dry-run")
    assert tokens.code == 0, tokens.err
    assert "3 epochs of" in tokens.out
    assert "up to 40 tokens each" in tokens.out
    assert contents(tmp_path) == {}


def test_batches_of_examples_or_of_tokens(arguments, tmp_path):
    both = call(*arguments, "--batch-size", "8", "--batch-tokens", "40", "--dry-run")
    assert both.code == 2
    assert "--batch-size and --batch-tokens: give one" in both.err
    few = call(*arguments, "--batch-tokens", "4", "--out", tmp_path / "few")
    assert few.code == 2
    assert "--batch-tokens 4: an example has" in few.err
    assert not (tmp_path / "few").exists()
    assert call(*arguments, "--batch-tokens", "60", "--epochs", "1", "--out", tmp_path / "a").code == 0
    config = ("train", "--config", tmp_path / "a" / "run.json", "--device", "cpu", "--dry-run")
    assert "up to 60 tokens each" in call(*config).out
    assert "8 examples each" in call(*config, "--batch-size", "8").out


def test_config_repeats_every_option(arguments, table, tmp_path):
    weights = tmp_path / "weights.csv"
    weights.write_text("label,weight\n과학,2\n", encoding="utf-8")
    options = {
        "--accumulate": 2, "--head-learning-rate": 1e-3, "--layer-decay": 0.9, "--freeze": "embeddings",
        "--schedule": "warmup_linear_cosine", "--schedule-end": 0.1, "--warmup": 1, "--weight-decay": 0.02,
        "--max-grad-norm": 0.5, "--loss": "focal", "--focal-gamma": 1.5, "--logit-tau": 0.7, "--label-smoothing": 0.1,
        "--class-weights": weights, "--sift-lambda": 1.0, "--patience": 2, "--save-every": 1, "--keep-last": 1,
        "--eval-every": 2, "--log-every": 1, "--epochs": 2, "--batch-size": 24,
    }  # fmt: skip
    words = [word for pair in options.items() for word in pair]
    first = call(*arguments, *words, "--gradient-checkpointing", "--out", tmp_path / "a")
    assert first.code == 0, first.err
    again = call("train", "--config", tmp_path / "a" / "run.json", "--out", tmp_path / "b", "--device", "cpu")
    assert again.code == 0, again.err
    first_record, record = (json.loads((tmp_path / name / "run.json").read_text()) for name in "ab")
    assert record == first_record
    for name, value in options.items():
        assert record["settings"][name[2:].replace("-", "_")] == (str(value) if value is weights else value), name
    assert record["settings"]["gradient_checkpointing"] is True
    assert record["class_weights"] == [1.0, 2.0, 1.0]
    assert figures_of(tmp_path / "a") == figures_of(tmp_path / "b")
    assert len(list((tmp_path / "a" / "checkpoints").iterdir())) == 1


def test_config_warns_of_data_that_have_changed(trained, tmp_path):
    record = json.loads((trained / "run.json").read_text())
    record["data"]["train"][0]["sha256"] = "0" * 64
    path = tmp_path / "run.json"
    path.write_text(json.dumps(record))
    outcome = call("train", "--config", path, "--dry-run", "--device", "cpu")
    assert outcome.code == 0, outcome.err
    assert "train.csv: changed since the run" in outcome.err


def test_resume_names_all_that_differs(trained, arguments, tmp_path):
    differing = ("--seed", "7", "--label-smoothing", "0.2", "--freeze", "1", "--log-every", "1")
    outcome = call(*arguments, *differing, "--out", trained, "--resume")
    assert outcome.code == 2
    for part in ("seed was 42, now 7", "label_smoothing was 0.0, now 0.2", "freeze was None, now '1'"):
        assert part in outcome.err
    assert "log_every" not in outcome.err
    assert call(*arguments, "--log-every", "7", "--keep-last", "5", "--out", trained, "--resume").code == 0
    other = tmp_path / "other.csv"
    other.write_text(arguments[3].read_text(encoding="utf-8") + "새 글,과학\n", encoding="utf-8")
    changed = call(*arguments, "--train", other, "--out", trained, "--resume")
    assert "train was [{" in changed.err
    assert changed.code == 2


def test_tensorboard_is_optional(arguments, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    outcome = call(*arguments, "--tensorboard", "--out", tmp_path / "run")
    assert outcome.code == 2
    assert "pip install 'korscideberta[tensorboard]'" in outcome.err
    assert not list(tmp_path.iterdir())


def test_without_a_terminal_there_are_lines_and_no_carriage_returns(arguments, tmp_path):
    outcome = call(*arguments, "--epochs", "2", "--batch-size", "2", "--eval-every", "24", "--out", tmp_path / "run")
    assert outcome.code == 0, outcome.err
    assert "\r" not in outcome.err
    steps = [line for line in outcome.err.splitlines() if line.startswith("step ")]
    assert 11 <= len(steps) <= 13
    assert "step 12 of 24 (50%): loss " in outcome.err
    assert all(part in steps[0] for part in ("loss ", "lr ", "tokens/s", " GB", " left"))
    record = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[0])
    timing = {"tokens_per_second", "seconds_left", "peak_memory_bytes"}
    assert set(record) == {"step", "epoch", "loss", "learning_rate", *timing}
    assert record["peak_memory_bytes"] > 1e7


def test_task_and_folder_are_needed(tmp_path):
    for words, told in ((["--out", tmp_path / "x"], "TASK"), (["papers"], "--out")):
        outcome = call("train", *words)
        assert outcome.code == 2
        assert told in outcome.err
