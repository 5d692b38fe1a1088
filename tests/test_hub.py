import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from korscideberta.errors import ConfigError, ModelError
from korscideberta.hub import is_cached, is_repository, locate, weight_files
from korscideberta.model import DebertaV2Config, DebertaV2ForSequenceClassification, DebertaV2Model
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.tokenization.train import train_tokenizer

NAME = "kisti/korscideberta"
IDS = torch.tensor([[1, 5, 7, 2]])


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A folder like the released repository: pickled weights, tokenizer, and files that nobody needs."""
    folder = tmp_path_factory.mktemp("released")
    texts = [f"{word}의 에너지를 {number}번 측정하였다" for word in ("입자", "시장", "하천") for number in range(40)]
    train_tokenizer(texts, folder, vocab_size=120, engine="none")
    torch.manual_seed(0)
    config = DebertaV2Config(
        vocab_size=130, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
        max_position_embeddings=16, position_buckets=4,
    )  # fmt: skip
    model = DebertaV2ForSequenceClassification(config)
    model.save_pretrained(folder)
    torch.save(model_weights(folder), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    (folder / "vocab.txt").write_text("[PAD]\n")
    (folder / "korscideberta.zip").write_bytes(b"large")
    (folder / "normalize.py").write_text("print()")
    (folder / "README.md").write_text("released")
    return folder


def model_weights(folder):
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def refused(message, source=NAME, want="model", **options):
    with pytest.raises(ModelError, match=message) as caught:
        locate(source, want, **options)
    assert "\n" not in str(caught.value)


def test_model_and_tokenizer_of_a_repository_and_nothing_else(hub, released):
    commit = hub.add(NAME, released)
    model = DebertaV2ForSequenceClassification.from_pretrained(NAME)
    local = DebertaV2ForSequenceClassification.from_pretrained(released)
    torch.testing.assert_close(model(IDS).logits, local(IDS).logits, atol=0, rtol=0)
    assert sorted(hub.fetched()) == ["config.json", "pytorch_model.bin"]
    tokenizer = DebertaV2Tokenizer.from_pretrained(NAME, engine="none")
    assert tokenizer("입자의 에너지") == DebertaV2Tokenizer.from_pretrained(released, engine="none")("입자의 에너지")
    expected = {"config.json", "pytorch_model.bin", "spm.model", "vocab.txt", "tokenizer_config.json"}
    assert set(hub.fetched()) == expected | {"special_tokens_map.json"}
    assert not any("korscideberta.zip" in path for _, path, _ in hub.requests)
    # Everything is cached by now.
    hub.requests.clear()
    assert locate(NAME, "model").name == commit
    locate(NAME, "tokenizer")
    assert hub.fetched() == []


def test_safetensors_go_before_pickles_and_shards_are_fetched_whole(hub, tmp_path):
    files = {
        "config.json": "{}",
        "model.safetensors.index.json": "{}",
        "model-00001-of-00002.safetensors": "1",
        "model-00002-of-00002.safetensors": "2",
        "pytorch_model.bin": "3",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    hub.add("a/sharded", tmp_path)
    folder = locate("a/sharded", "model")
    assert sorted(path.name for path in folder.iterdir()) == sorted(set(files) - {"pytorch_model.bin"})
    hub.status = 503
    assert locate("a/sharded", "model") == folder
    (folder / "model-00002-of-00002.safetensors").unlink()
    refused("answers 503", "a/sharded")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["pytorch_model.bin", "model.safetensors", "x.zip"], ("model.safetensors",)),
        (["tf_model.h5", "pytorch_model.bin"], ("pytorch_model.bin",)),
        (["pytorch.model.bin", "model_config.json"], ("pytorch.model.bin",)),
        (
            ["pytorch_model-00001-of-00001.bin", "pytorch_model.bin.index.json", "model-00001-of-00001.safetensors"],
            ("pytorch_model.bin.index.json", "pytorch_model-00001-of-00001.bin"),
        ),
        (["pytorch.model-095000.bin", "model_config.json"], ("pytorch.model-095000.bin",)),
        (["pytorch.model-095000.bin", "pytorch.model-100000.bin"], ()),
        (["flax_model.msgpack", "training_args.bin"], ()),
    ],
)
def test_weight_files(names, expected):
    assert weight_files(names) == expected


def test_an_interrupted_download_goes_on_where_it_broke(hub, released, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 100)  # what arrived in whole chunks is kept
    hub.add(NAME, released)
    hub.breaks["pytorch_model.bin"] = 1000
    folder = locate(NAME, "model")
    assert (folder / "pytorch_model.bin").read_bytes() == (released / "pytorch_model.bin").read_bytes()
    ranges = [part for method, path, part in hub.requests if method == "GET" and path.endswith("pytorch_model.bin")]
    assert ranges == ["", "bytes=1000-"]


def test_a_download_that_fails_keeps_the_files_it_finished(hub, released, monkeypatch):
    from huggingface_hub import constants

    hub.add(NAME, released)
    locate(NAME, "tokenizer")
    assert "config.json" in hub.fetched()
    hub.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    refused("is not in the hub's cache; unset HF_HUB_OFFLINE")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    locate(NAME, "model")
    assert hub.fetched() == ["pytorch_model.bin"]


def test_offline_the_cached_copy_is_used(hub, released, monkeypatch, caplog):
    from huggingface_hub import constants

    hub.add(NAME, released)
    assert not is_cached(NAME)
    folder = locate(NAME, "model")
    assert is_cached(NAME)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.requests.clear()
    assert locate(NAME, "model") == folder
    refused("not in the hub's cache", want="tokenizer")
    assert hub.requests == []
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert locate(NAME, "model") == folder
    assert "the copy in the cache is used" in caplog.text
    refused("http://127.0.0.1:9 cannot be reached; check the connection", "kisti/other")


def test_revisions(hub, released, tmp_path):
    first = hub.add(NAME, released)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "deberta-v2"}))
    second = hub.add(NAME, tmp_path)
    hub.repositories[NAME].branches["v1"] = first
    assert locate(NAME, "model").name == second
    assert locate(f"{NAME}@v1", "model").name == locate(NAME, "model", revision="v1").name == first
    assert locate(f"{NAME}@{second}", "model").name == second
    assert DebertaV2Model.from_pretrained(f"{NAME}@{first}").config.vocab_size == 130
    refused("has no revision 'v9'; give one of its branches", f"{NAME}@v9")
    with pytest.raises(ConfigError, match="names the revision 'v1', and revision='v2'"):
        locate(f"{NAME}@v1", "model", revision="v2")
    with pytest.raises(ConfigError, match="is a folder; leave it out"):
        locate(released, "model", revision="v1")


def test_refusals_name_the_remedy(hub, released, tmp_path, monkeypatch):
    refused(rf"no folder {NAME} here, and no repository {NAME} that you may read on {hub.url}; check the spelling")
    hub.add("a/gated", released, gated=True)
    refused(rf"a/gated is gated: accept its terms at {hub.url}/a/gated, then log in", "a/gated")
    hub.add("a/private", released, private=True)
    refused("for a private one log in with 'hf auth login' or set HF_TOKEN", "a/private")
    monkeypatch.setenv("HF_TOKEN", "hf_stand_in")
    assert locate("a/private", "model").is_dir()
    for status, message in ((401, "refuses your token"), (403, "refuses your token"), (500, "answers 500")):
        hub.status = status
        refused(message)
    hub.status = None
    (tmp_path / "README.md").write_text("no model")
    hub.add("a/empty", tmp_path)
    refused("a/empty has no config.json", "a/empty")
    refused(r"a/empty has no spm\.model", "a/empty", want="tokenizer")


@pytest.mark.parametrize(
    "source", ["runs/mine/model", "./model", "../model", "/nowhere/model", "model", "", "C:\\model"]
)
def test_what_can_only_be_a_path_asks_nobody(hub, source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if source:
        refused(f"no folder {re.escape(source)}, nor can it be a hub repository, whose name is OWNER/NAME", source)
    assert not is_repository(source)
    assert hub.requests == []


def test_a_folder_goes_before_a_repository_of_its_name(hub, released, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hub.add(NAME, released)
    (tmp_path / NAME).mkdir(parents=True)
    assert locate(NAME, "model") == Path(NAME)
    (tmp_path / "kisti" / "file").write_text("")
    refused("kisti/file is a file; give the folder", "kisti/file")
    assert hub.requests == []


def test_a_server_that_is_no_hub(hub):
    hub.page = b"<html>log in to the network</html>"
    refused("does not answer as a hub does; check HF_ENDPOINT and the proxy")


def test_the_clients_environment_variables_are_obeyed(hub, released, tmp_path):
    hub.add(NAME, released)
    code = f"from korscideberta.hub import locate; print(locate({NAME!r}, 'model'))"
    environment = {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "home"),
        "PATH": "",
        "PYTHONPATH": ":".join(sys.path),
    }
    outcome = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith(str(tmp_path / "home" / "hub"))
