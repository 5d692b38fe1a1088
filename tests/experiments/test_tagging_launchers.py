from __future__ import annotations

import json
import os
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
NER, KLUE, ABSTRACTS = (ROOT / "experiments" / f"{name}.sh" for name in ("ner/ner", "klue/ner", "abstracts/abstracts"))
ORIGINAL = json.loads((ROOT / "tests" / "fixtures" / "ner_original.json").read_text())
OPTION = {
    "num_train_epochs": "--epochs", "warmup": "--warmup", "learning_rate": "--learning-rate",
    "train_batch_size": "--batch-size", "cls_drop_out": "--cls-dropout", "max_seq_len": "--max-length",
}  # fmt: skip


def launch(script, *arguments):
    """Run a launcher whose program is `echo`, which shows what would be run."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KORSCI")}
    return subprocess.run(
        ["bash", str(script), *map(str, arguments)],
        capture_output=True, text=True, check=False, env={**inherited, "KORSCI": "echo"},
    )  # fmt: skip


def options_of(done):
    assert done.returncode == 0, done.stderr
    return {name: value for name, value in pairwise(done.stdout.split()) if name.startswith("--")}


@pytest.fixture
def data(tmp_path):
    (tmp_path / "conll2003").mkdir()
    (tmp_path / "klue").mkdir()
    (tmp_path / "abstracts").mkdir()
    for name in ("conll2003/train.txt", "conll2003/valid.txt", "klue/klue-ner-v1.1_dev.tsv", "abstracts/train.tsv"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize("config", ORIGINAL["configs"])
def test_original_hyper_parameters(config, data):
    options = options_of(launch(NER, config, "--data-dir", data))
    wanted = {**ORIGINAL["common"], **ORIGINAL["configs"][config]}
    assert {OPTION[name]: value for name, value in wanted.items() if name in OPTION}.items() <= options.items()
    assert set(wanted) <= {*OPTION, "fp16"}
    assert options["--precision"] == ("fp16" if wanted.get("fp16") == "True" else "float32")
    assert (options["--engine"], options["--schedule"], options["--out"]) == (
        "none",
        "warmup_linear",
        f"runs/ner-{config}",
    )


@pytest.mark.parametrize("script", [NER, KLUE, ABSTRACTS], ids=lambda path: path.parent.name)
def test_korean_configurations_and_missing_data(script, data, tmp_path):
    assert options_of(launch(script, "korsci", "--data-dir", data))["--model"] == "models/kisti/korscideberta"
    assert options_of(launch(script, "nano", "--data-dir", data))["--model"] == "korsci-nano"
    assert options_of(launch(script, "nano", "--train", "a.tsv"))["--train"] == "a.tsv"
    (tmp_path / "empty").mkdir()
    missing = launch(script, "nano", "--data-dir", tmp_path / "empty")
    assert (missing.returncode, len(missing.stderr.splitlines())) == (2, 1)


def test_conll_files(data):
    options = options_of(launch(NER, "nano", "--data-dir", data))
    assert (options["--train"], options["--dev"]) == (f"{data}/conll2003/train.txt", f"{data}/conll2003/valid.txt")
    assert "--test" not in options
    (data / "conll2003" / "test.txt").touch()
    assert options_of(launch(NER, "nano", "--data-dir", data / "conll2003"))["--test"] == f"{data}/conll2003/test.txt"


def test_klue_holds_back_a_fifth_of_the_dev_file_without_the_training_file(data):
    alone = options_of(launch(KLUE, "nano", "--data-dir", data))
    assert (alone["--train"], alone["--dev-share"]) == (f"{data}/klue/klue-ner-v1.1_dev.tsv", "0.2")
    assert "--dev" not in alone
    (data / "klue" / "klue-ner-v1.1_train.tsv").touch()
    both = options_of(launch(KLUE, "nano", "--data-dir", data / "klue"))
    assert both["--train"] == f"{data}/klue/klue-ner-v1.1_train.tsv"
    assert both["--dev"] == f"{data}/klue/klue-ner-v1.1_dev.tsv"
    assert "--dev-share" not in both


def test_abstracts_files_have_one_ending(data):
    (data / "abstracts" / "dev.tsv").touch()
    (data / "abstracts" / "test.csv").touch()
    options = options_of(launch(ABSTRACTS, "nano", "--data-dir", data))
    assert (options["--train"], options["--dev"]) == (f"{data}/abstracts/train.tsv", f"{data}/abstracts/dev.tsv")
    assert "--test" not in options
