"""A model meets the tokenizer it was trained with, user dictionary included, or says so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cli_calls import TINY, call


def train(table, out, *more):
    options = ("--text", "제목", "--label", "분야", *TINY, "--out", out)
    return call("train", "classify", "--train", table, "--dev", table, *options, *more)


@pytest.fixture(scope="module")
def user_dictionary(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("nouns")
    (folder / "nouns.txt").write_text("시장금리\n수출기업\n", encoding="utf-8")
    assert call("tokenizer", "userdict", folder / "nouns.txt", "--out", folder / "user.dic").code == 0
    return folder / "user.dic"


@pytest.fixture(scope="module")
def with_nouns(table, user_dictionary, tmp_path_factory) -> Path:
    """A run whose tokenizer was trained with a user dictionary."""
    out = tmp_path_factory.mktemp("with-nouns") / "run"
    outcome = train(table, out, "--user-dictionary", user_dictionary)
    assert outcome.code == 0, outcome.err
    return out


def damage(run: Path, out: Path, **parts: str) -> Path:
    """A copy of a run whose tokenizer is said to have been another."""
    shutil.copytree(run, out)
    for path, key in ((out / "run.json", "tokenizer"), (out / "model" / "tokenizer_config.json", "korsci_fingerprint")):
        content = json.loads(path.read_text(encoding="utf-8"))
        content[key].update(parts)
        path.write_text(json.dumps(content), encoding="utf-8")
    return out


def test_a_run_keeps_its_user_dictionary(with_nouns, user_dictionary):
    record = json.loads((with_nouns / "run.json").read_text(encoding="utf-8"))
    assert record["model"]["user_dictionary"] == str(user_dictionary)
    recorded = json.loads((with_nouns / "model" / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert recorded["korsci_fingerprint"] == record["tokenizer"]
    assert (with_nouns / "model" / "user.dic").read_bytes() == user_dictionary.read_bytes()
    facts = json.loads(call("tokenizer", "info", with_nouns, "--json").out)
    assert facts["user_dictionary_sha256"] == record["tokenizer"]["user_dictionary"]
    assert call("--quiet", "predict", with_nouns, "시장금리").code == 0


def test_a_run_without_its_user_dictionary(with_nouns, user_dictionary, tmp_path):
    moved = Path(shutil.copytree(with_nouns, tmp_path / "moved"))
    (moved / "model" / "user.dic").unlink()
    refused = call("predict", moved, "시장금리")
    assert refused.code == 2
    assert "user.dic" in refused.err
    assert "--user-dictionary" in refused.err
    given = call("--quiet", "predict", moved, "시장금리", "--user-dictionary", user_dictionary)
    assert given.code == 0, given.err
    assert given.out == call("--quiet", "predict", with_nouns, "시장금리").out
    without = call("--quiet", "eval", moved, "--allow-tokenizer-mismatch", "--json")
    assert without.code == 0, without.err
    assert "going without" in without.err


@pytest.mark.parametrize("command", [("eval",), ("predict", "시장금리")])
def test_a_run_made_over_another_dictionary(trained, tmp_path, command):
    run = damage(trained, tmp_path / "run", dictionary="d" * 64)
    name, *texts = command
    refused = call(name, run, *texts)
    assert refused.code == 2
    assert "dictionary dddddddddddd…, now " in refused.err.splitlines()[-1]
    assert "--allow-tokenizer-mismatch" in refused.err
    allowed = call(name, run, *texts, "--allow-tokenizer-mismatch")
    assert allowed.code == 0, allowed.err
    assert "dictionary dddddddddddd…, now " in allowed.err


def test_another_tokenizer_in_the_model_folder(trained, with_nouns, tmp_path):
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    for file in (with_nouns / "model").iterdir():
        if file.name not in ("config.json", "model.safetensors"):
            shutil.copy(file, run / "model")
    refused = call("predict", run, "시장금리")
    assert refused.code == 2
    assert "user dictionary none, now " in refused.err


def test_training_further_needs_the_models_tokenizer(trained, with_nouns, user_dictionary, table, tmp_path):
    model = ("--model", trained / "model")
    for more, part in (
        (("--engine", "none"), 'engine "mecab", now "none"'),
        (("--user-dictionary", user_dictionary), "user dictionary none, now "),
        (("--tokenizer", with_nouns / "model"), "user dictionary none, now "),
    ):
        refused = train(table, tmp_path / "out", *model, *more)
        assert refused.code == 2, refused.err
        assert f"--model {trained / 'model'}" in refused.err
        assert part in refused.err
    assert not (tmp_path / "out").exists()
    allowed = train(table, tmp_path / "out", *model, "--engine", "none", "--allow-tokenizer-mismatch")
    assert allowed.code == 0, allowed.err
    assert call("predict", tmp_path / "out", "시장금리").code == 0


def test_a_model_without_a_recorded_fingerprint_takes_any_tokenizer(trained, user_dictionary, table, tmp_path):
    model = Path(shutil.copytree(trained / "model", tmp_path / "model"))
    path = model / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    del config["korsci_fingerprint"]
    path.write_text(json.dumps(config), encoding="utf-8")
    outcome = train(table, tmp_path / "out", "--model", model, "--user-dictionary", user_dictionary)
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "out" / "model" / "user.dic").is_file()


@pytest.mark.parametrize("content", [b"", b"junk", None])
def test_an_unusable_user_dictionary_writes_nothing(table, tmp_path, content):
    if content is not None:
        (tmp_path / "user.dic").write_bytes(content)
    refused = train(table, tmp_path / "out", "--user-dictionary", tmp_path / "user.dic")
    assert refused.code == 2
    assert str(tmp_path / "user.dic") in refused.err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_a_tokenizer_trained_on_files_keeps_its_user_dictionary(user_dictionary, tmp_path):
    corpus = tmp_path / "texts.txt"
    corpus.write_text("수출기업과 시장금리를 조사하였다\n" * 20, encoding="utf-8")
    options = ("--vocab-size", "40", "--reserved", "0", "--workers", "1", "--user-dictionary", user_dictionary)
    outcome = call("tokenizer", "train", corpus, "--out", tmp_path / "made", *options)
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "made" / "user.dic").read_bytes() == user_dictionary.read_bytes()
    encode = ("tokenizer", "encode", tmp_path / "made", "--input", corpus, "--format", "pieces", "--output")
    assert call(*encode, tmp_path / "pieces.txt").code == 0
    assert "▁수출기업" in (tmp_path / "pieces.txt").read_text(encoding="utf-8")
    (tmp_path / "made" / "user.dic").unlink()
    refused = call(*encode, tmp_path / "pieces.txt")
    assert refused.code == 2
    assert "user.dic" in refused.err
    for option in (("--user-dictionary", user_dictionary), ("--allow-tokenizer-mismatch",)):
        assert call(*encode, tmp_path / "pieces.txt", *option).code == 0
