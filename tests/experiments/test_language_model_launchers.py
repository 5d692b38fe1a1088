"""The launchers of pretraining against the settings of the original ones."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from korscideberta.model import DebertaV2Config, preset

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "experiments" / "language_model"
ORIGINAL = json.loads((ROOT / "tests" / "fixtures" / "language_model_original.json").read_text())
OPTION = {
    "warmup": "--warmup", "learning_rate": "--learning-rate", "train_batch_size": "--batch-size",
    "max_ngram": "--max-ngram", "num_training_steps": "--max-steps", "dump": "--eval-every",
}  # fmt: skip
# The tokenizer's size; and two that are spelled in another way where a model has no relative attention.
ASIDE = {"vocab_size", "norm_rel_ebd", "pos_att_type"}


def launch(name, *arguments, **environment):
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("KORSCI")}
    return subprocess.run(
        ["bash", str(FOLDER / f"{name}.sh"), *map(str, arguments)],
        capture_output=True, text=True, check=False, env={**inherited, "KORSCI": "echo", **environment},
    )  # fmt: skip


def options_of(done):
    assert done.returncode == 0, done.stderr
    return {name: value for name, value in pairwise(done.stdout.split()) if name.startswith("--")}


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "my data"
    folder.mkdir()
    (folder / "index.json").touch()
    return folder


@pytest.mark.parametrize(
    ("task", "config"), [(task, config) for task in ("mlm", "rtd") for config in ORIGINAL[task]["configs"]]
)
def test_original_hyper_parameters(task, config, data):
    done = launch(task, config, "--corpus", "a.txt")
    options = options_of(done)
    assert done.stdout.startswith(f"pretrain {task} ")
    for name, value in {**ORIGINAL[task]["common"], **ORIGINAL[task]["configs"][config]}.items():
        if name in OPTION:
            assert options[OPTION[name]] == value, name
    assert options["--precision"] == "fp16"
    assert options["--schedule"] == "warmup_linear"
    assert options["--max-length"] == "512"
    assert options["--out"] == f"runs/{task}-{config}"
    assert (task == "rtd") == ("--decoupled" in done.stdout.split())
    if config.endswith("-continue"):
        assert options["--discriminator"] == f"models/microsoft/{config.removesuffix('-continue')}"
        assert options["--generator"] == options["--discriminator"] + "-generator"
    else:
        assert options["--model"] == str(FOLDER / ORIGINAL[task]["configs"][config]["model_config"])


def shapes(name):
    values = json.loads((FOLDER / f"{name}.json").read_text())
    theirs = ORIGINAL["models"][name]
    if "generator" not in theirs:
        return [(values, theirs)]
    assert values["embedding_sharing"] == theirs["embedding_sharing"]
    return [(values[part], theirs[part]) for part in ("generator", "discriminator")]


@pytest.mark.parametrize("name", ORIGINAL["models"])
def test_original_shapes(name):
    for values, theirs in shapes(name):
        config = DebertaV2Config.from_dict({**values, "vocab_size": 100})
        for key in set(theirs) - ASIDE:
            assert values[key] == theirs[key], key
        terms = tuple(term for term in theirs["pos_att_type"].split("|") if term != "none")
        assert config.pos_att_type == terms
        assert config.relative_attention == theirs["relative_attention"]


def test_shapes_of_our_own():
    def shape(name, part=None):
        values = json.loads((FOLDER / f"{name}.json").read_text())
        config = DebertaV2Config.from_dict({**(values[part] if part else values), "vocab_size": 16000})
        return config.with_changes(attention_head_size=None)

    assert shape("nano") == shape("rtd_nano", "discriminator") == preset("nano", 16000)
    assert shape("rtd_nano", "generator") == preset("nano", 16000, num_hidden_layers=2)
    assert shape("korsci_base").with_changes(vocab_size=128100) == DebertaV2Config()


def test_the_released_recipe(data):
    options = options_of(launch("mlm", "korsci-base", "--corpus", "a"))
    wanted = {"--batch-size": "16384", "--accumulate": "4", "--learning-rate": "1e-4", "--max-steps": "1600000"}
    assert {name: options[name] for name in wanted} == wanted
    assert options["--max-length"] == "512"


@pytest.mark.parametrize("task", ["mlm", "rtd"])
def test_the_corpus(task, data, tmp_path):
    done = launch(task, "nano", "--data-dir", data, "--max-steps", 5, KORSCI="printf %s\\n")
    lines = done.stdout.splitlines()
    assert lines[lines.index("--data") + 1] == str(data)
    assert lines[-2:] == ["--max-steps", "5"]
    assert "--data" not in launch(task, "nano", "--corpus", "a.txt").stdout.split()
    assert launch(task, "nano", "--data", "here", "--data-dir", "/no/such").stdout.split().count("--data") == 1
    for arguments, message in [
        ((), "no data folder"),
        (("--data-dir", tmp_path), "not a prepared corpus"),
        (("--data-dir", "/no/such"), "no such folder"),
    ]:
        failed = launch(task, "nano", *arguments)
        assert failed.returncode == 2
        assert message in failed.stderr
        assert len(failed.stderr.splitlines()) == 1


def test_usage():
    for name, command in [("mlm", "korsci pretrain mlm"), ("rtd", "korsci pretrain rtd"), ("nano", "korsci pretrain")]:
        usage = launch(name, "--help").stdout
        assert f"[{command} options]" in usage
        assert re.findall(r"^  (\S+)$", usage, re.MULTILINE)


def test_nano_goes_on_with_what_is_there(tmp_path):
    (tmp_path / "texts").mkdir()
    out = tmp_path / "out"

    def commands(*arguments):
        done = launch("nano", "mlm", "--data-dir", tmp_path / "texts", "--out", out, *arguments)
        assert done.returncode == 0, done.stderr
        return [" ".join(line.split()[:2]) for line in done.stdout.splitlines()], done.stdout

    first, said = commands()
    assert first[:3] == ["tokenizer train", "pretrain prepare", "pretrain embeddings"]
    assert first[3:] == ["pretrain mlm", "pretrain mlm", f"convert {out}/mlm-end/model"]
    assert f"--model {out}/start" in said
    assert f"--out {out}/mlm-end --model {out}/mlm/model" in said
    for name in ("tokenizer/tokenizer_config.json", "data/index.json", "start/config.json", "mlm/run.json"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).touch()
    first, said = commands("--max-hours", "2")
    assert first[0] == "pretrain mlm"
    assert "--resume --max-hours 2" in said
    (out / "mlm-end").mkdir()
    for name in ("mlm", "mlm-end"):
        (out / name / "metrics.json").touch()
    assert commands()[0] == [f"convert {out}/mlm-end/model"]
    (out / "mlm-bf16").mkdir()
    assert commands()[0] == []


def test_nano_from_text_to_a_model(tmp_path):
    """The whole way, with a program that is the real one."""
    topics = [
        "실험 결과 입자의 에너지가 증가하였다",
        "시장 금리가 올라 수출 기업이 어렵다",
        "선수들이 경기에서 우승했다",
    ]
    (tmp_path / "texts").mkdir()
    lines = [f"{one} 그리고 {other} {number}" for number in range(40) for one in topics for other in topics]
    (tmp_path / "texts" / "a.txt").write_text("\n".join(lines), encoding="utf-8")
    # So small a text has fewer pieces than asked for, and nothing in it is far from anything else.
    program = tmp_path / "program"
    program.write_text(
        f"#!/bin/bash\ncase $1 in tokenizer) set -- \"$@\" --vocab-size 400;; esac\n"
        f"case $2 in prepare) set -- \"$@\" --keep-near-duplicates --valid-share 0.1 --workers 1;; esac\n"
        f"exec {sys.executable} -m korscideberta \"$@\"\n"
    )  # fmt: skip
    program.chmod(0o755)
    tiny = ["--max-steps", "2", "--batch-size", "2", "--precision", "float32", "--device", "cpu"]
    done = launch(
        "nano", "rtd", "--data-dir", tmp_path / "texts", "--out", tmp_path / "out", *tiny, KORSCI=str(program)
    )
    assert done.returncode == 0, done.stderr
    config = json.loads((tmp_path / "out" / "rtd-bf16" / "config.json").read_text(encoding="utf-8"))
    assert config["dtype"] == "bfloat16"
    assert (tmp_path / "out" / "rtd-bf16" / "spm.model").is_file()


SLURM = ROOT / "experiments" / "slurm" / "korsci-base.sbatch"


def test_slurm(tmp_path, data):
    """With stand-ins for Slurm's programs: each node's task, and the job queued again when the run asks for it."""
    for name, text in {
        "srun": 'SLURM_NODEID=2 exec "$@"',
        "scontrol": '[[ $1 == show ]] && echo first && exit\necho "queued again: $*"',
        "korsci": 'echo "$RANK of $WORLD_SIZE at $MASTER_ADDR:$MASTER_PORT: $*"; exit "${CODE:-0}"',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / name).chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("KORSCI")}
    environment |= {
        "PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_SUBMIT_DIR": str(ROOT), "SLURM_NNODES": "3",
        "SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "first,second,third", "KORSCI": "korsci",
    }  # fmt: skip

    def run(code):
        return subprocess.run(
            ["bash", str(SLURM), str(data), "--eval-rows", "5"], cwd=tmp_path, capture_output=True, text=True,
            check=False, env={**environment, "CODE": str(code)},
        )  # fmt: skip

    done = run(0)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 of 3 at first:20007: pretrain mlm --model ")
    assert "--batch-size 16384" in done.stdout
    assert done.stdout.rstrip().endswith("--out runs/mlm-korsci-base --eval-rows 5")
    again = run(75)
    assert again.returncode == 0
    assert again.stdout.splitlines()[-1] == "queued again: requeue 7"
    assert run(2).returncode == 2
    (tmp_path / "runs" / "mlm-korsci-base").mkdir(parents=True)
    (tmp_path / "runs" / "mlm-korsci-base" / "run.json").touch()
    assert run(0).stdout.rstrip().endswith("--eval-rows 5 --resume")
    assert subprocess.run(["bash", str(SLURM)], capture_output=True, check=False).returncode == 1
