from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
EXPERIMENTS = ROOT / "experiments"
MNLI = EXPERIMENTS / "glue" / "mnli.sh"
PAPERS = EXPERIMENTS / "papers" / "papers.sh"
ORIGINAL = json.loads((ROOT / "tests" / "fixtures" / "mnli_original.json").read_text())
OPTION = {
    "num_train_epochs": "--epochs", "warmup": "--warmup", "learning_rate": "--learning-rate",
    "train_batch_size": "--batch-size", "cls_drop_out": "--cls-dropout", "max_seq_len": "--max-length",
    "eval_batch_size": "--eval-batch-size", "dump_interval": "--eval-every", "vat_lambda": "--sift-lambda",
    "vat_learning_rate": "--sift-lr", "vat_init_perturbation": "--sift-init",
}  # fmt: skip


def launch(script, *arguments, **environment):
    """Run a launcher; unless told otherwise its program is `echo`, which shows what would be run."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KORSCI")}
    return subprocess.run(
        ["bash", str(script), *map(str, arguments)],
        capture_output=True, text=True, check=False, env={**inherited, "KORSCI": "echo", **environment},
        cwd=environment.get("PWD"),
    )  # fmt: skip


def options_of(done):
    assert done.returncode == 0, done.stderr
    words = done.stdout.split()
    options: dict[str, list[str]] = {}
    for name, value in pairwise(words):
        if name.startswith("--"):
            options.setdefault(name, []).append(value)
    return options


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    (folder / "kornlu").mkdir(parents=True)
    (folder / "klue").mkdir()
    rows = "".join(f"비가 온다 {i}\t땅이 젖는다 {i}\t{('entailment', 'neutral')[i % 2]}\n" for i in range(12))
    for name in ("xnli.dev.ko.tsv", "xnli.test.ko.tsv"):
        (folder / "kornlu" / name).write_text("sentence1\tsentence2\tgold_label\n" + rows, encoding="utf-8")
    klue = [{"guid": str(i), "premise": "가", "hypothesis": "나", "gold_label": "neutral"} for i in range(3)]
    (folder / "klue" / "klue-nli-v1.1_dev.json").write_text(json.dumps(klue), encoding="utf-8")
    return folder


@pytest.mark.parametrize("config", ORIGINAL["configs"])
def test_original_hyper_parameters(config, data):
    options = options_of(launch(MNLI, config, "--data-dir", data))
    wanted = {**ORIGINAL["common"], **ORIGINAL["configs"][config]}
    for name, value in wanted.items():
        if name in OPTION:
            assert options[OPTION[name]] == [value], name
    assert options["--precision"] == ["fp16" if wanted["fp16"] == "True" else "float32"]
    assert ("--sift-lambda" in options) == ("vat_lambda" in wanted)
    if "init_model" in wanted:
        assert options["--model"] == options_of(launch(MNLI, wanted["init_model"], "--data-dir", data))["--model"]
    assert options["--out"] == [f"runs/mnli-{config}"]


def test_data_layouts(data):
    small = options_of(launch(MNLI, "nano", "--data-dir", data))
    assert [Path(path).name for path in small["--train"]] == ["xnli.dev.ko.tsv", "xnli.test.ko.tsv"]
    assert small["--dev"] == [f"{data}/klue/klue-nli-v1.1_dev.json"]
    (data / "kornlu" / "multinli.train.ko.tsv").touch()
    kornli = options_of(launch(MNLI, "nano", f"--data-dir={data}"))
    assert [Path(path).name for path in kornli["--train"]] == ["multinli.train.ko.tsv"]
    assert Path(kornli["--dev"][0]).name == "xnli.dev.ko.tsv"
    assert Path(kornli["--test"][0]).name == "xnli.test.ko.tsv"
    (data / "MNLI").mkdir()
    (data / "MNLI" / "train.tsv").touch()
    glue = options_of(launch(MNLI, "nano", KORSCI_DATA=str(data)))
    assert glue["--train"] == [f"{data}/MNLI/train.tsv"]
    assert glue["--dev"] == [f"{data}/MNLI/dev_matched.tsv"]


def test_options_of_the_user_come_last_and_win(data):
    done = launch(MNLI, "nano", "--data-dir", data, "--epochs", "1", "--out", "here", "--dev", "mine.tsv")
    assert done.stdout.split()[-6:] == ["--epochs", "1", "--out", "here", "--dev", "mine.tsv"]
    options = options_of(done)
    assert options["--out"] == ["here"]
    assert options["--dev"] == ["mine.tsv"]
    assert options_of(launch(MNLI, "nano", "--train", "a.tsv"))["--train"] == ["a.tsv"]


def test_papers():
    assert "--train" not in options_of(launch(PAPERS, "nano"))
    assert options_of(launch(PAPERS, "small"))["--out"] == ["runs/papers-small"]


def test_papers_of_ones_own(tmp_path):
    (tmp_path / "papers.csv").touch()
    assert options_of(launch(PAPERS, "nano", "--data-dir", tmp_path))["--train"] == [f"{tmp_path}/papers.csv"]


@pytest.mark.parametrize("script", [MNLI, PAPERS])
@pytest.mark.parametrize("config", [(), ("bas",)])
def test_unknown_configuration(script, config):
    done = launch(script, *config)
    assert done.returncode == 2
    assert "usage: " in done.stderr
    assert "\n  nano\n" in done.stderr
    assert ("no configuration bas" in done.stderr) == bool(config)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nano",), "no data folder"),
        (("nano", "--data-dir"), "--data-dir needs a folder"),
        (("nano", "--data-dir", "/no/such/folder"), "/no/such/folder: no such folder"),
        (("nano", "--data-dir", str(EXPERIMENTS)), "neither MNLI/train.tsv nor"),
    ],
)
def test_data_folder_that_will_not_do(arguments, message):
    done = launch(MNLI, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_program_that_is_not_installed(data):
    done = launch(MNLI, "nano", "--data-dir", data, KORSCI="no-such-program")
    assert done.returncode == 2
    assert "pip install" in done.stderr


def test_both_doors_do_the_same(data, tmp_path):
    tiny = ("--data-dir", data, "--epochs", "1", "--vocab-size", "100", "--max-length", "16")
    python = f"{sys.executable} -m korscideberta"
    direct = launch(MNLI, "nano", *tiny, "--out", tmp_path / "direct", KORSCI=python)
    assert direct.returncode == 0, direct.stderr
    command = [*python.split(), "run", "glue/mnli", "nano", "--", *map(str, tiny), "--out", str(tmp_path / "run")]
    through = subprocess.run(command, capture_output=True, text=True, check=False)
    assert through.returncode == 0, through.stderr
    assert (tmp_path / "direct" / "metrics.json").read_bytes() == (tmp_path / "run" / "metrics.json").read_bytes()
