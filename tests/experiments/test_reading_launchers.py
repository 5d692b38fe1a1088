"""The launchers of reading and multiple choice: what they run, and that it runs, on files in the official layouts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from reading_files import write_all

sys.path.insert(0, str(Path(__file__).parent.parent / "cli"))

from cli_calls import call

ROOT = Path(__file__).parent.parent.parent
EXPERIMENTS = ROOT / "experiments"
ORIGINAL = json.loads((ROOT / "tests" / "fixtures" / "reading_original.json").read_text())
CONFIGS = [(name, config) for name, launcher in ORIGINAL.items() for config in launcher["configs"]]
OPTION = {
    "num_train_epochs": "--epochs", "warmup": "--warmup", "learning_rate": "--learning-rate",
    "train_batch_size": "--batch-size", "cls_drop_out": "--cls-dropout", "max_seq_len": "--max-length",
    "accumulative_update": "--accumulate",
}  # fmt: skip
DEV = {
    "reading/squad": "squad/dev-v1.1.json", "reading/squad2": "squad/dev-v2.0.json",
    "reading/korquad": "korquad/KorQuAD_v1.0_dev.json", "klue/mrc": "klue-mrc-v1.1/klue-mrc-v1.1_dev.json",
    "superglue/record": "ReCoRD/val.jsonl", "superglue/copa": "COPA/val.jsonl",
    "reading/alphanli": "alphanli/dev.jsonl", "reading/race": "RACE/dev_high.jsonl",
}  # fmt: skip
CHOICES = ("superglue/copa", "reading/alphanli", "reading/race")
TINY = ("--model", "nano", "--epochs", "1", "--vocab-size", "150", "--max-length", "48", "--device", "cpu")


def launch(name, *arguments):
    """Run a launcher whose program shows each of its arguments on a line."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("KORSCI")}
    return subprocess.run(
        ["bash", str(EXPERIMENTS / f"{name}.sh"), *map(str, arguments)],
        capture_output=True, text=True, check=False, env={**inherited, "KORSCI": r"printf %s\n"},
    )  # fmt: skip


def options_of(done):
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = {}
    for name, value in pairwise(done.stdout.splitlines()):
        if name.startswith("--"):
            found.setdefault(name, []).append(value)
    return found


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize(("name", "config"), CONFIGS)
def test_original_hyper_parameters(name, config, data):
    options = options_of(launch(name.removesuffix(".sh"), config, "--data-dir", data))
    wanted = {**ORIGINAL[name]["common"], **ORIGINAL[name]["configs"][config]}
    assert set(wanted) <= {*OPTION, "fp16"}
    for key, option in OPTION.items():
        if key in wanted:
            assert options[option] == [wanted[key]], option
    assert options["--precision"] == ["fp16" if wanted.get("fp16") == "True" else "float32"]
    assert (options["--engine"], options["--schedule"]) == (["none"], ["warmup_linear"])


@pytest.mark.parametrize("name", DEV)
def test_configurations_and_missing_data(name, data, tmp_path):
    offered = re.findall(r"^  (\S+)$", launch(name, "--help").stdout, re.MULTILINE)
    originals = list(ORIGINAL.get(f"{name}.sh", {"configs": []})["configs"])
    assert offered[: len(originals)] == originals
    assert offered[-2:] == ["korsci", "nano"]
    assert options_of(launch(name, "korsci", "--data-dir", data))["--model"] == ["models/kisti/korscideberta"]
    assert options_of(launch(name, "nano", "--train", "a.json"))["--train"] == ["a.json"]
    missing = launch(name, "nano", "--data-dir", tmp_path)
    assert (missing.returncode, len(missing.stderr.splitlines())) == (2, 1)
    # The folder of the files will do as well as the one above it.
    inner = options_of(launch(name, "nano", "--data-dir", (data / DEV[name]).parent))
    assert inner["--train"] == options_of(launch(name, "nano", "--data-dir", data))["--train"]


@pytest.mark.parametrize("name", DEV)
def test_a_run_evaluates_and_predicts(name, data, tmp_path):
    """What the launcher would run is run, in this process, for one epoch."""
    windows = () if name in CHOICES else ("--doc-stride", "16")
    command = launch(name, "nano", "--data-dir", data, *TINY, *windows)
    assert command.returncode == 0, command.stderr
    run, file = tmp_path / "run", data / DEV[name]
    trained = call(*command.stdout.splitlines(), "--out", run)
    assert trained.code == 0, trained.err
    done = call("eval", run, "--data", file, "--json")
    assert done.code == 0, done.err
    figures = json.loads(done.out)["model"]
    stored = json.loads((run / "metrics.json").read_text())["dev"]
    if name != "reading/race":  # whose dev set is two files
        assert figures == pytest.approx(stored)
    done = call("predict", run, "--input", file)
    assert done.code == 0, done.err
    assert len(done.out.splitlines()) == figures["questions"]


def test_korquads_dev_file_alone_is_divided_by_article(data, tmp_path):
    (tmp_path / "KorQuAD_v1.0_dev.json").write_bytes((data / DEV["reading/korquad"]).read_bytes())
    options = options_of(launch("reading/korquad", "nano", "--data-dir", tmp_path))
    assert (options["--train"], options["--dev-share"]) == ([f"{tmp_path}/KorQuAD_v1.0_dev.json"], ["0.2"])
    assert "--dev" not in options
    assert "--dev-share" not in options_of(launch("reading/korquad", "nano", "--data-dir", data))


def test_race_reads_both_schools(data):
    options = options_of(launch("reading/race", "nano", "--data-dir", data))
    assert options["--train"] == [f"{data}/RACE/train_{part}.jsonl" for part in ("middle", "high")]
    assert options["--dev"] == [f"{data}/RACE/dev_{part}.jsonl" for part in ("middle", "high")]
    assert "--test" not in options
