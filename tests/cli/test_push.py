import getpass
import json
import re
import shutil
import socket
from pathlib import Path

import pytest
import yaml
from cli_calls import call
from hub_server import TOKEN

from korscideberta.export import card, figures
from korscideberta.model import DebertaV2ForSequenceClassification
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

NAME = "owner/papers"
TEXT = "시장 금리가 올랐다"


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    for module in (figures, card):
        monkeypatch.setattr(module, "RESAMPLES", 40)


@pytest.fixture
def login(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)


def card_of(hub, branch="main"):
    repository = hub.repositories[NAME]
    return repository.files(branch)["README.md"].decode()


def metadata(text):
    return yaml.safe_load(text.split("---")[1])


def test_what_is_pushed_is_read_back(hub, login, trained):
    outcome = call("push", trained, NAME, "--license", "mit", "--private")
    assert outcome.code == 0, outcome.err
    repository = hub.repositories[NAME]
    assert repository.private
    assert outcome.out.splitlines()[-1] == f"{hub.url}/{NAME}/commit/{repository.branches['main']}"
    weights = (trained / "model" / "model.safetensors").read_bytes()
    assert list(hub.objects.values()) == [weights]
    pushed = set(repository.files("main"))
    assert pushed == {path.name for path in (trained / "model").iterdir()} | {"README.md"}
    model = DebertaV2ForSequenceClassification.from_pretrained(NAME)
    tokenizer = DebertaV2Tokenizer.from_pretrained(NAME)
    local = DebertaV2ForSequenceClassification.from_pretrained(trained / "model")
    batch = tokenizer(TEXT, return_tensors="pt")
    assert batch["input_ids"].tolist() == DebertaV2Tokenizer.from_pretrained(trained / "model")([TEXT])["input_ids"]
    assert model(**batch).logits.tolist() == local(**batch).logits.tolist()


def test_the_card(hub, login, trained):
    assert call("push", trained, NAME, "--license", "mit").code == 0
    text = card_of(hub)
    head = metadata(text)
    assert (head["license"], head["language"], head["library_name"]) == ("mit", "ko", "korscideberta")
    assert "base_model" not in head
    stored = json.loads((trained / "metrics.json").read_text())["dev"]
    [result] = [
        metric["value"]
        for entry in head["model-index"][0]["results"]
        for metric in entry["metrics"]
        if metric["type"] == "accuracy"
    ]
    assert result == pytest.approx(stored["accuracy"], abs=1e-6)
    row = next(line for line in text.splitlines() if line.startswith("| dev | accuracy |"))
    value, low, high, majority = map(float, re.findall(r"\d\.\d{4}", row))
    assert value == pytest.approx(stored["accuracy"], abs=5e-5)
    assert majority == pytest.approx(stored["majority_accuracy"], abs=5e-5)
    assert 0 <= low <= value <= high <= 1
    record = json.loads((trained / "run.json").read_text())
    assert record["data"]["train"][0]["sha256"] in text
    assert "| train | `train.csv` |" in text
    assert "trained from scratch, in the shape `nano`" in text
    assert "Plain transformers reads any `spm.model`" in text
    assert f"| `learning_rate` | `{record['settings']['learning_rate']}` |" in text
    assert record["tokenizer"]["digest"] in text


def test_the_cards_example_runs(hub, login, trained, capsys):
    assert call("push", trained, NAME, "--license", "mit").code == 0
    code = card_of(hub).split("```python\n")[1].split("```")[0]
    assert len(code.splitlines()) == 4
    exec(code, {})
    assert capsys.readouterr().out.strip() in ("과학", "경제", "체육")


def test_nothing_tells_of_the_machine(hub, login, trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    path = run / "model" / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "name_or_path": "/home/somebody/model"}))
    assert call("push", run, NAME, "--license", "mit").code == 0
    for name, content in hub.repositories[NAME].files("main").items():
        if name.endswith((".json", ".md")):
            text = content.decode()
            for private in (str(tmp_path), str(trained), str(Path.home()), socket.gethostname(), "somebody"):
                assert private not in text, (name, private)
            assert not re.search(r"[\"` ](/(home|root|tmp|Users|work)/|~/|[A-Z]:\\)", text), name
            assert not re.search(rf"\b{re.escape(getpass.getuser())}\b", text), name


def test_a_run_that_began_from_the_hub_names_its_base(hub, login, table, trained, tmp_path):
    commit = hub.add("kisti/korscideberta", trained / "model")
    run = tmp_path / "run"
    outcome = call(
        "train", "classify", "--train", table, "--text", "제목", "--label", "분야", "--epochs", "1",
        "--max-length", "16", "--device", "cpu", "--model", "kisti/korscideberta@main", "--out", run,
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    outcome = call("push", run, NAME)
    assert outcome.code == 0, outcome.err
    assert "no --license" in outcome.err
    text = card_of(hub)
    assert metadata(text)["base_model"] == "kisti/korscideberta"
    assert "license" not in metadata(text)
    assert commit in text


def test_a_branch_of_a_repository_that_is_there(hub, login, trained):
    hub.add(NAME, trained / "model")
    before = hub.repositories[NAME].branches["main"]
    outcome = call("push", trained, NAME, "--license", "mit", "--revision", "v2")
    assert outcome.code == 0, outcome.err
    assert hub.repositories[NAME].branches["main"] == before
    assert "# papers" in card_of(hub, "v2")


def test_a_dry_run_writes_and_lists_and_asks_nobody(hub, trained, tmp_path):
    out = tmp_path / "out"
    outcome = call("push", trained, NAME, "--license", "mit", "--dry-run", "--out", out)
    assert outcome.code == 0, outcome.err
    listed = [line.split()[-1] for line in outcome.out.splitlines()[:-1]]
    assert sorted(listed) == sorted(path.name for path in out.iterdir())
    assert outcome.out.splitlines()[-1] == f"not pushed; written to {out}"
    assert hub.requests == []
    DebertaV2ForSequenceClassification.from_pretrained(out)
    again = call("push", trained, NAME, "--license", "mit", "--dry-run", "--out", out)
    assert again.code == 2
    assert "already holds something" in again.err


def one_line(outcome, message):
    assert outcome.code == 2
    assert message in outcome.err.splitlines()[-1]


def test_refusals(hub, trained, tmp_path, monkeypatch):
    one_line(call("push", trained, NAME), "pushing needs a token that may write; log in with 'hf auth login'")
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    one_line(call("push", trained, NAME), f"does not let you write to {NAME} (401)")
    one_line(call("push", trained, "papers"), "papers: not the name of a hub repository; give OWNER/NAME")
    one_line(call("push", trained, NAME, "--dry-run"), "--dry-run and --out DIR go together")
    one_line(call("push", tmp_path, NAME), "not a run directory")
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    one_line(call("push", trained, NAME), "http://127.0.0.1:9 cannot be reached; check the connection")


def test_figures_that_are_not_those_of_the_predictions_are_refused(hub, login, trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    stored = json.loads((run / "metrics.json").read_text())
    stored["dev"]["accuracy"] += 0.01
    (run / "metrics.json").write_text(json.dumps(stored))
    one_line(call("push", run, NAME), "accuracy of these predictions is")
    (run / "metrics.json").unlink()
    one_line(call("push", run, NAME), "let the training finish")
    assert hub.requests == []


def test_a_dictionary_that_nobody_else_has_is_refused(hub, login, trained, tmp_path, monkeypatch):
    from korscideberta.tokenization.recipe import Recipe

    monkeypatch.setattr(Recipe, "to_dict", lambda self: {"engine": "mecab", "dictionary": str(tmp_path)})
    one_line(call("push", trained, NAME), "which nobody else has; train with the installed one")
