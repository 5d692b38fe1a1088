"""The launchers for texts and pairs: what they run, and that it runs, on files in the official layouts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from official_files import FILES, write_files

sys.path.insert(0, str(Path(__file__).parent.parent / "cli"))

from cli_calls import TINY, call

from korscideberta import tasks
from korscideberta.model import presets
from korscideberta.tokenization import train_tokenizer

ROOT = Path(__file__).parent.parent.parent
EXPERIMENTS = ROOT / "experiments"
ORIGINAL = json.loads((ROOT / "tests" / "fixtures" / "glue_original.json").read_text())
CONFIGS = [(name, config) for name, launcher in ORIGINAL.items() for config in launcher["configs"]]
LAUNCHERS = sorted(set(FILES) - {"glue/mnli"})
OPTION = {
    "num_train_epochs": "--epochs", "warmup": "--warmup", "learning_rate": "--learning-rate",
    "train_batch_size": "--batch-size", "cls_drop_out": "--cls-dropout", "max_seq_len": "--max-length",
}  # fmt: skip
FOLDERS = {
    "base": "microsoft/deberta-base", "large": "microsoft/deberta-large", "xlarge": "microsoft/deberta-xlarge",
    "xlarge-v2": "microsoft/deberta-v2-xlarge", "xxlarge-v2": "microsoft/deberta-v2-xxlarge",
    "deberta-v3-large": "microsoft/deberta-v3-large",
}  # fmt: skip


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


@pytest.mark.parametrize(("name", "config"), CONFIGS)
def test_original_hyper_parameters(name, config):
    options = options_of(launch(name, config, "--train", "a.tsv"))
    wanted = {**ORIGINAL[name]["common"], **ORIGINAL[name]["configs"][config]}
    assert set(wanted) <= {*OPTION, "fp16", "init_model"}
    for key, option in OPTION.items():
        if key in wanted:
            assert options[option] == [wanted[key]], option
    assert options["--precision"] == ["fp16" if wanted.get("fp16") == "True" else "float32"]
    start = wanted.get("init_model", config)
    fine_tuned = "-mnli" if start.endswith("-mnli") else ""
    assert options["--model"] == [f"models/{FOLDERS[start.removesuffix('-mnli')]}{fine_tuned}"]
    assert (options["--engine"], options["--schedule"]) == (["none"], ["warmup_linear"])


@pytest.mark.parametrize("name", LAUNCHERS)
def test_configurations_and_data(name, tmp_path):
    offered = re.findall(r"^  (\S+)$", launch(name, "--help").stdout, re.MULTILINE)
    assert offered == [*ORIGINAL.get(name, {"configs": []})["configs"], "korsci", "nano"]
    missing = launch(name, "nano", "--data-dir", tmp_path)
    assert (missing.returncode, len(missing.stderr.splitlines())) == (2, 1)
    files = write_files(tmp_path, name)
    options = options_of(launch(name, "korsci", "--data-dir", tmp_path))
    assert options["--model"] == ["models/kisti/korscideberta"]
    assert options["--train"] == [str(files["train"])]
    assert options.get("--dev") == ([str(files["dev"])] if "dev" in files else None)
    if name != "glue/anli":  # whose folder is that of the rounds
        inner = options_of(launch(name, "nano", "--data-dir", files["train"].parent))
        assert inner["--train"] == options["--train"]


def test_anli_reads_the_rounds_that_are_there(tmp_path):
    for number in (1, 3):
        folder = tmp_path / "anli_v1.0" / f"R{number}"
        folder.mkdir(parents=True)
        for split in ("train", "dev", "test"):
            (folder / f"{split}.jsonl").touch()
    options = options_of(launch("glue/anli", "nano", "--data-dir", tmp_path))
    for split in ("train", "dev", "test"):
        assert options[f"--{split}"] == [f"{tmp_path}/anli_v1.0/R{number}/{split}.jsonl" for number in (1, 3)]


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("klue/ynat", {"train": "ynat/train.csv", "dev": "ynat/dev.csv"}),
        ("korean/korsts", {"train": "kornlu/sts-train.tsv", "dev": "kornlu/sts-dev.tsv",
                           "test": "kornlu/sts-test.tsv"}),
    ],
)  # fmt: skip
def test_other_places_of_the_data(name, files, tmp_path):
    for file in files.values():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    options = options_of(launch(name, "nano", "--data-dir", tmp_path))
    for split, file in files.items():
        assert options[f"--{split}"] == [f"{tmp_path}/{file}"]


@pytest.fixture(scope="module")
def tiny_tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    texts = [line for name in FILES for path in write_files(folder / name, name).values()
             for line in path.read_text(encoding="utf-8").splitlines()]  # fmt: skip
    train_tokenizer(texts, folder / "model", vocab_size=150, engine="none")
    return folder / "model"


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_run_evaluates_and_predicts(name, tiny_tokenizer, tmp_path, monkeypatch):
    """What the launcher would run is run, in this process, with a model of one narrow layer for one epoch."""
    small = {"num_hidden_layers": 1, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 16}
    monkeypatch.setitem(presets._PRESETS, "nano", small)
    files = write_files(tmp_path, name)
    tiny = ("--model", "nano", "--tokenizer", tiny_tokenizer, "--epochs", "1", "--max-length", "32", "--device", "cpu")
    command = launch(name, "nano", "--data-dir", tmp_path, *tiny, "--no-cache")
    assert command.returncode == 0, command.stderr
    trained = call(*command.stdout.splitlines(), "--out", tmp_path / "run")
    assert trained.code == 0, trained.err
    stored = json.loads((tmp_path / "run" / "metrics.json").read_text())
    split = "dev" if "dev" in files else "test"
    done = call("eval", tmp_path / "run", "--data", files[split], "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["model"] == pytest.approx(stored[split], abs=1e-5)
    forms = tasks.get(FILES[name][0]).official
    board = next((board for board in CHECKS if name.startswith(f"{board}/")), None) if forms else None
    out = tmp_path / ("predicted.tsv" if board == "glue" else "predicted.jsonl")
    official = ("--format", "official") if board else ()
    done = call("predict", tmp_path / "run", "--input", files["test"], "--output", out, *official)
    assert done.code == 0, done.err
    if board:
        CHECKS[board](name, out)
    else:
        assert len(rows_of(out)) == 4


def rows_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def is_glue(name, path):
    header, *rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    assert header == ["index", "prediction"]
    assert [index for index, _ in rows] == ["0", "1", "2", "3"]
    if name == "glue/stsb":
        assert all(0 <= float(value) <= 5 for _, value in rows)
    else:
        assert {label for _, label in rows} <= set(tasks.get(FILES[name][0]).labels)


def is_superglue(name, path):
    rows = rows_of(path)
    if name == "superglue/multirc":
        assert [row["idx"] for row in rows] == [0, 1]
        (question,) = rows[1]["passage"]["questions"]
        assert question["idx"] == 1
        assert [answer["idx"] for answer in question["answers"]] == [4, 5]
        assert {answer["label"] for answer in question["answers"]} <= {0, 1}
    else:
        assert [row["idx"] for row in rows] == [0, 1, 2, 3]
        assert all(isinstance(row["label"], str) for row in rows)


CHECKS = {"glue": is_glue, "superglue": is_superglue}


def test_official_predictions_need_a_form_and_files(tmp_path):
    run = tmp_path / "run"
    table = tmp_path / "a.csv"
    table.write_text("text,label\n" + "가,A\n나,B\n" * 8, encoding="utf-8")
    assert call("train", "classify", "--train", table, *TINY, "--out", run).code == 0
    done = call("predict", run, "--input", table, "--output", tmp_path / "o.tsv", "--format", "official")
    assert (done.code, "none is known for the task classify" in done.err) == (2, True)
