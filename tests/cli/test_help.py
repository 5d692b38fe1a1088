from __future__ import annotations

import os
import subprocess
import sys

import pytest
from cli_calls import call

from korscideberta.commands import main

HEAVY = ("torch", "sklearn", "MeCab", "sentencepiece", "transformers", "numpy", "huggingface_hub")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["train"],
        ["eval"],
        ["predict"],
        ["run"],
        ["doctor"],
        ["tasks"],
        ["models"],
        ["convert"],
        ["pretrain"],
        ["pretrain", "mlm"],
        ["pretrain", "prepare"],
        ["pretrain", "rtd"],
        ["push"],
        ["cv"],
        ["audit"],
        ["baseline"],
        ["compare"],
        ["tokenizer"],
        ["tokenizer", "encode"],
        ["tokenizer", "info"],
        ["tokenizer", "train"],
        ["tokenizer", "verify"],
    ],
)
def test_help_loads_nothing_heavy(arguments):
    code = (
        "import sys\nfrom korscideberta.commands import main\n"
        f"try:\n    main({[*arguments, '--help']!r})\nexcept SystemExit as stop:\n    assert not stop.code\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\nassert not loaded, loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage: korsci" in done.stdout


def test_options_are_grouped():
    text = call("train", "--help").out
    places = [text.index(heading) for heading in ("\nData:", "\nModel:", "\nTraining:", "\nRun:")]
    assert places == sorted(places)


@pytest.mark.parametrize("arguments", [[], ["pretrain"], ["tokenizer"]])
def test_without_arguments_the_help_is_shown(arguments):
    outcome = call(*arguments)
    assert outcome.code == 0
    assert " ".join(["Usage: korsci", *arguments]) in outcome.out


def test_a_broken_pipe_is_no_error():
    command = f"{sys.executable} -m korscideberta train --help | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_version():
    from korscideberta import __version__

    assert __version__ in call("--version").out


@pytest.mark.parametrize(("given", "used"), [(None, "1"), ("0", "0")])
def test_large_tensors_get_huge_pages_unless_told_otherwise(monkeypatch, given, used):
    monkeypatch.setenv("THP_MEM_ALLOC_ENABLE", given or "")
    if given is None:
        monkeypatch.delenv("THP_MEM_ALLOC_ENABLE")
    with pytest.raises(SystemExit):
        main(["--version"])
    assert os.environ["THP_MEM_ALLOC_ENABLE"] == used


def test_both_other_doors_open():
    done = subprocess.run(
        [sys.executable, "-m", "korscideberta", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("korsci, version")


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["trian", "papers"], "did you mean 'train'"),
        (["train", "paper", "--out", "x"], "did you mean 'papers'"),
        (["train", "papers", "--learning-rat", "1", "--out", "x"], "--learning-rate"),
        (["train", "papers", "--attention", "dens", "--out", "x"], "did you mean 'dense'"),
        (["train", "papers", "--engine", "mecap", "--out", "x"], "did you mean 'mecab'"),
        (["train", "papers", "--model", "nan", "--out", "x"], "did you mean 'nano'"),
        (["run", "glue/mnl"], "did you mean 'glue/mnli'"),
        (["tokenizer", "inof"], "did you mean 'info'"),
    ],
)
def test_a_typo_gets_the_nearest_name(arguments, suggestion, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = call(*arguments)
    assert outcome.code == 2
    assert suggestion in outcome.err
    assert outcome.err.splitlines()[-1].startswith("error: ")
    assert not list(tmp_path.iterdir())


def test_tasks_models_and_run_list():
    assert all(name in call("tasks").out for name in ("classify", "mnli", "papers", "title, abstract, fields"))
    assert {"korsci-nano", "nano"} <= {line.split()[0] for line in call("models").out.splitlines()}
    assert {"glue/mnli", "papers/papers"} <= {line.split()[0] for line in call("run", "--list").out.splitlines()}


def test_doctor_says_that_all_is_well():
    outcome = call("doctor")
    assert outcome.code == 0, outcome.out
    assert "FAILED" not in outcome.out
    assert "396 papers" in outcome.out


def test_doctor_names_the_remedy(monkeypatch):
    from korscideberta.errors import DependencyError
    from korscideberta.tokenization import mecab

    def missing(*arguments, **options):
        raise DependencyError("no dictionary; run: pip install python-mecab-ko-dic")

    monkeypatch.setattr(mecab, "SharedAnalyser", missing)
    outcome = call("doctor")
    assert outcome.code == 1
    assert "pip install python-mecab-ko-dic" in outcome.out


def test_a_prediction_imports_no_more_than_it_needs(trained):
    code = (
        "import sys\n"
        "from korscideberta.commands import korsci\n"
        "korsci.main(sys.argv[1:], standalone_mode=False, obj=[])\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "predict", str(trained), "금리"], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "torch" in loaded
    # What torch does with a model that has no storage imports its compiler: longer than all the rest.
    assert not loaded & {"torch._dynamo", "sympy", "sklearn", "scipy", "transformers", "pandas", "openpyxl", "pyarrow"}
