import json

from cli_calls import TINY, call

RELEASED = "kisti/korscideberta"
OPTIONS = ["--epochs", "1", "--max-length", "16", "--device", "cpu", "--text", "제목", "--label", "분야"]


def test_training_starts_from_a_repository(hub, table, trained, tmp_path):
    commit = hub.add(RELEASED, trained / "model")
    outcome = call("train", "classify", "--train", table, *OPTIONS, "--model", RELEASED, "--out", tmp_path / "run")
    assert outcome.code == 0, outcome.err
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (record["model"]["model"], record["model_commit"]) == (RELEASED, commit)
    pinned = f"{RELEASED}@{commit}"
    outcome = call("train", "classify", "--train", table, *OPTIONS, "--model", pinned, "--out", tmp_path / "again")
    assert outcome.code == 0, outcome.err
    weights = [(tmp_path / run / "model" / "model.safetensors").read_bytes() for run in ("run", "again")]
    assert weights[0] == weights[1]


def test_a_local_start_records_no_commit(trained):
    assert json.loads((trained / "run.json").read_text())["model_commit"] is None


def test_an_unknown_repository_is_one_line_and_nothing_is_written(hub, table, tmp_path):
    outcome = call(
        "train", "classify", "--train", table, *OPTIONS, "--model", "kisti/korsci", "--out", tmp_path / "run"
    )
    assert outcome.code == 2
    assert outcome.err.splitlines()[-1].startswith(
        "error: no folder kisti/korsci here, and no repository kisti/korsci that you may read"
    )
    assert "HTTP Request" not in outcome.err
    assert not (tmp_path / "run").exists()


def test_the_tokenizer_may_come_from_a_repository_too(hub, table, trained, tmp_path):
    hub.add(RELEASED, trained / "model")
    outcome = call(
        "train", "classify", "--train", table, "--text", "제목", "--label", "분야", *TINY, "--tokenizer", RELEASED,
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert "model.safetensors" not in hub.fetched()


def test_models_tells_whether_the_released_one_is_there(hub, trained):
    assert (
        f"{RELEASED}  the released model, 12 layers × 768; fetched from the hub when first used" in call("models").out
    )
    from korscideberta.hub import locate

    hub.add(RELEASED, trained / "model")
    locate(RELEASED, "model")
    assert "in the cache, works offline" in call("models").out
