from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from korscideberta.commands import main

ROOT = Path(__file__).parent.parent.parent
EXPERIMENTS = ROOT / "experiments"
MNLI = EXPERIMENTS / "glue" / "mnli.sh"
PAPERS = EXPERIMENTS / "papers" / "papers.sh"
SHELL_FILES = sorted(EXPERIMENTS.rglob("*.sh"))
LINES = "printf %s\\n"  # a program that prints each of its arguments on a line
ORIGINAL = json.loads((ROOT / "tests" / "fixtures" / "mnli_original.json").read_text())
OPTION = {
    "num_train_epochs": "--epochs", "warmup": "--warmup", "learning_rate": "--learning-rate",
    "train_batch_size": "--batch-size", "cls_drop_out": "--cls-dropout", "max_seq_len": "--max-length",
    "eval_batch_size": "--eval-batch-size", "dump_interval": "--eval-every", "vat_lambda": "--sift-lambda",
    "vat_learning_rate": "--sift-lr", "vat_init_perturbation": "--sift-init",
}  # fmt: skip


def launch(script, *arguments, cwd=None, **environment):
    """Run a launcher; unless told otherwise its program is `echo`, which shows what would be run."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KORSCI")}
    return subprocess.run(
        ["bash", str(script), *map(str, arguments)],
        capture_output=True, text=True, check=False, env={**inherited, "KORSCI": "echo", **environment}, cwd=cwd,
    )  # fmt: skip


def configurations(script):
    usage = launch(script, "--help")
    assert usage.returncode == 0
    return re.findall(r"^  (\S+)$", usage.stdout, re.MULTILINE)


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


@pytest.mark.parametrize("script", SHELL_FILES, ids=lambda path: path.name)
def test_shell_files_are_sound(script):
    done = subprocess.run(["bash", "-n", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = script.read_text(encoding="utf-8").splitlines()
    assert all(len(line) <= 120 for line in lines)
    if not script.name.startswith("_"):
        assert lines[0] == "#!/usr/bin/env bash"
        assert lines[1].startswith("# ")
        assert "set -euo pipefail" in lines


def test_listed_are_the_launchers_with_their_second_line(capsys):
    with pytest.raises(SystemExit):
        main(["run", "--list"])
    listed = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    scripts = {
        str(path.relative_to(EXPERIMENTS).with_suffix("")): path
        for path in SHELL_FILES
        if not path.name.startswith("_") and path.parent != EXPERIMENTS
    }
    assert listed == {name: path.read_text(encoding="utf-8").splitlines()[1][2:] for name, path in scripts.items()}


def test_every_configuration_is_offered_and_runs(data):
    assert configurations(MNLI) == [*ORIGINAL["configs"], "korsci", "nano"]
    for name in ("korsci", "nano"):
        assert options_of(launch(MNLI, name, "--data-dir", data))["--out"] == [f"runs/mnli-{name}"]
    for name in configurations(PAPERS):
        assert options_of(launch(PAPERS, name))["--out"] == [f"runs/papers-{name}"]


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
    assert options["--engine"] == ["none"]
    assert options["--schedule"] == ["warmup_linear"]


def test_checkpoints_are_folders_of_one_place(data):
    def model(config, **environment):
        return options_of(launch(MNLI, config, "--data-dir", data, **environment))["--model"]

    assert model("xlarge-v2") == ["models/microsoft/deberta-v2-xlarge"]
    assert model("deberta-v3-base", KORSCI_MODELS="/hub") == ["/hub/microsoft/deberta-v3-base"]
    assert model("korsci", KORSCI_MODELS="/hub") == ["/hub/kisti/korscideberta"]
    assert model("nano", KORSCI_MODELS="/hub") == ["korsci-nano"]


def test_korean_configurations(data):
    def words(config):
        return " ".join(launch(MNLI, config, "--data-dir", data).stdout.split())

    assert "--epochs 5 --learning-rate 1.5e-5 --warmup 500 --batch-size 32" in words("korsci")
    assert "--precision auto" in words("korsci")
    assert "--epochs 10 --learning-rate 3e-4 --warmup 0.1 --batch-size 64 --max-length 128" in words("nano")
    assert "--eval-every 0" in words("nano")


def test_data_layouts(data):
    small = options_of(launch(MNLI, "nano", "--data-dir", data))
    assert small["--train"] == [f"{data}/kornlu/xnli.dev.ko.tsv", f"{data}/kornlu/xnli.test.ko.tsv"]
    assert small["--dev"] == [f"{data}/klue/klue-nli-v1.1_dev.json"]
    assert "--test" not in small
    inner = options_of(launch(MNLI, "nano", "--data-dir", data / "kornlu"))
    assert inner["--train"] == small["--train"]
    assert "--dev" not in inner
    (data / "kornlu" / "multinli.train.ko.tsv").touch()
    kornli = options_of(launch(MNLI, "nano", f"--data-dir={data}"))
    assert kornli["--train"] == [f"{data}/kornlu/multinli.train.ko.tsv"]
    assert kornli["--dev"] == [f"{data}/kornlu/xnli.dev.ko.tsv"]
    assert kornli["--test"] == [f"{data}/kornlu/xnli.test.ko.tsv"]
    (data / "kornlu" / "snli_1.0_train.ko.tsv").touch()
    both = options_of(launch(MNLI, "nano", f"--data-dir={data}"))
    assert both["--train"] == [f"{data}/kornlu/{name}.ko.tsv" for name in ("multinli.train", "snli_1.0_train")]
    (data / "MNLI").mkdir()
    (data / "MNLI" / "train.tsv").touch()
    missing = launch(MNLI, "nano", KORSCI_DATA=str(data))
    assert (missing.returncode, missing.stderr) == (2, f"error: {data}/MNLI/dev_matched.tsv: no such file\n")
    (data / "MNLI" / "dev_matched.tsv").touch()
    for folder in (data, data / "MNLI"):
        glue = options_of(launch(MNLI, "nano", KORSCI_DATA=str(folder)))
        assert glue["--train"] == [f"{data}/MNLI/train.tsv"]
        assert glue["--dev"] == [f"{data}/MNLI/dev_matched.tsv"]
        assert "--test" not in glue
    (data / "MNLI" / "dev_mismatched.tsv").touch()
    assert options_of(launch(MNLI, "nano", "--data-dir", data))["--test"] == [f"{data}/MNLI/dev_mismatched.tsv"]


def test_data_dir_wins_over_the_variable(data):
    done = launch(MNLI, "nano", "--data-dir", data, KORSCI_DATA="/no/such/folder")
    assert options_of(done)["--train"][0] == f"{data}/kornlu/xnli.dev.ko.tsv"
    for variable in ("", "/no/such/folder"):
        assert options_of(launch(MNLI, "nano", "--train", "a.tsv", KORSCI_DATA=variable))["--train"] == ["a.tsv"]


def test_arguments_with_spaces_stay_whole(tmp_path, data):
    folder = tmp_path / "내 자료 *"
    shutil.copytree(data, folder)
    done = launch(MNLI, "nano", "--data-dir", folder, "--out=a  b", KORSCI=LINES)
    lines = done.stdout.splitlines()
    assert lines[:2] == ["train", "mnli"]
    assert f"{folder}/kornlu/xnli.dev.ko.tsv" in lines
    assert lines[-1] == "--out=a  b"
    assert "--out" not in lines


@pytest.mark.parametrize("name", ["glue/mnli.sh", "papers/papers.sh"])
def test_works_from_anywhere_without_the_executable_bit(name, tmp_path, data):
    copy = tmp_path / "a copy"
    shutil.copytree(EXPERIMENTS, copy)
    for path in copy.rglob("*.sh"):
        path.chmod(0o644)
    (data / "papers.csv").touch()
    folder, script = name.split("/")
    here = launch(script, "nano", "--data-dir", data, cwd=copy / folder)
    assert here.returncode == 0, here.stderr
    assert here.stdout == launch(copy / name, "nano", "--data-dir", data, cwd=tmp_path).stdout


def test_executable_in_a_checkout():
    assert all(os.access(path, os.X_OK) for path in (MNLI, PAPERS))


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
    assert ("no configuration 'bas'" in done.stderr) == bool(config)


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


def test_papers_folder_without_papers(tmp_path):
    done = launch(PAPERS, "nano", KORSCI_DATA=str(tmp_path))
    assert (done.returncode, done.stderr) == (2, f"error: KORSCI_DATA={tmp_path}: no papers.csv there\n")


def stub(path, text):
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)
    return path


def test_program_is_the_installed_one_else_the_module(data, tmp_path):
    for tool in ("bash", "dirname"):
        (tmp_path / tool).symlink_to(shutil.which(tool))

    def first_words(program=""):
        return launch(MNLI, "nano", "--data-dir", data, KORSCI=program, PATH=str(tmp_path))

    absent = first_words()
    assert absent.returncode == 2
    assert len(absent.stderr.splitlines()) == 1
    assert "pip install" in absent.stderr
    assert first_words("no-such-program").stderr == "error: KORSCI=no-such-program: no such program\n"
    assert first_words("  ").returncode == 2
    stub(tmp_path / "python3", 'echo module "$@"')
    assert "module -m korscideberta train mnli --model korsci-nano" in first_words().stdout
    stub(tmp_path / "korsci", 'echo installed "$@"')
    assert first_words().stdout.startswith("installed train mnli --model korsci-nano")


def test_korsci_run_passes_on_the_same_arguments(data, tmp_path, monkeypatch, capfd):
    program = stub(tmp_path / "python", 'printf "%s\\n" "$PWD" "$@"; exit 7')
    arguments = ["--data-dir", str(data), "--epochs", "1", "--text", "가 나"]
    direct = launch(MNLI, "nano", *arguments, KORSCI=f"{program} -m korscideberta", cwd=tmp_path)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(["run", "glue/mnli", "nano", "--", *arguments])
    assert stop.value.code == direct.returncode == 7
    assert capfd.readouterr().out == direct.stdout
    assert direct.stdout.splitlines()[-2:] == ["--text", "가 나"]


def test_a_run_from_the_launcher(data, tmp_path):
    """The options of the launcher are options the program has, and a model comes out of it."""
    tiny = ("--model", "nano", "--epochs", "1", "--vocab-size", "100", "--max-length", "16", "--device", "cpu")
    command = [sys.executable, "-m", "korscideberta", "run", "glue/mnli", "nano", "--", "--data-dir", str(data), *tiny]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / "mnli-nano"
    figures = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert "dev" in figures
    settings = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert settings["settings"]["epochs"] == 1
    assert settings["settings"]["batch_size"] == 64
