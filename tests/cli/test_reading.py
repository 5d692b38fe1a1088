"""Reading and multiple choice from the training file to the prediction, through the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch
from cli_calls import call
from reading_files import alphanli, copa, race, record, squad, write_alphanli, write_json, write_lines

from korscideberta.evaluation.finished import FinishedRun
from korscideberta.export import card, figures
from korscideberta.export.figures import read_figures
from korscideberta.metrics import reading

TINY = (
    "--model", "nano", "--vocab-size", "150", "--max-length", "48", "--batch-size", "8", "--device", "cpu",
    "--learning-rate", "1e-3", "--warmup", "0", "--schedule-end", "1", "--eval-every", "1000",
)  # fmt: skip


def train(task, path, out, *options, dev=None):
    done = call("train", task, "--train", path, "--dev", dev or path, *TINY, *options, "--out", out)
    assert done.code == 0, done.err
    return out


def lines_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("reading")


@pytest.fixture(scope="module")
def korquad(folder):
    write_json(folder / "korquad.json", squad())
    return train("korquad", folder / "korquad.json", folder / "korquad", "--epochs", "10", "--doc-stride", "16")


@pytest.fixture(scope="module")
def klue(folder):
    write_json(folder / "klue.json", squad(key="guid", impossible=True))
    return train("klue-mrc", folder / "klue.json", folder / "klue", "--epochs", "10", "--doc-stride", "16")


def test_a_run_learns_to_answer(korquad):
    found = json.loads((korquad / "metrics.json").read_text())["dev"]
    assert found["em"] > 0.6
    assert found["majority_em"] == 0.25  # four colours, as often each
    assert found["questions"] == 16
    rows = lines_of(korquad / "predictions-dev.jsonl")
    assert [row["gold"] for row in rows[:2]] == [["빨강"], ["빨강"]]
    scores = [reading.korquad(row["answer"], row["gold"]) for row in rows]
    assert found["f1"] == pytest.approx(sum(score["f1"] for score in scores) / 16)
    for row, context in zip(rows, contexts(squad()), strict=True):
        assert len(row["best"]) == 3
        for one in row["best"]:
            assert context[one["start"] : one["end"]] == one["answer"]
    assert json.loads((korquad / "run.json").read_text())["frequent_answer"] == "빨강"


def predict_officially(run, path, output):
    done = call("predict", run, "--input", path, "--format", "official", "--output", output)
    assert done.code == 0, done.err
    return output


def contexts(content):
    return [p["context"] for article in content["data"] for p in article["paragraphs"] for _ in p["qas"]]


def test_it_evaluates_as_it_was_trained_and_writes_what_the_official_script_takes(korquad, folder, tmp_path):
    done = call("eval", korquad, "--data", folder / "korquad.json", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["model"] == pytest.approx(json.loads((korquad / "metrics.json").read_text())["dev"])
    rows = lines_of(korquad / "predictions-dev.jsonl")
    official = predict_officially(korquad, folder / "korquad.json", tmp_path / "answers.json")
    assert json.loads(official.read_text(encoding="utf-8")) == {row["id"]: row["answer"] for row in rows}
    assert "16 questions" in call("eval", korquad, "--data", folder / "korquad.json").out


def test_predictions_for_a_file_and_for_two_texts(korquad, folder, tmp_path, monkeypatch):
    monkeypatch.setattr("korscideberta.prediction.windows.ROWS", 3)  # so that a process beside this one encodes
    unanswered = squad()
    for article in unanswered["data"]:
        for paragraph in article["paragraphs"]:
            for qa in paragraph["qas"]:
                del qa["answers"]
    done = call("predict", korquad, "--input", write_json(tmp_path / "q.json", unanswered), "--top-k", "20")
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["answer"] for row in rows] == [row["answer"] for row in lines_of(korquad / "predictions-dev.jsonl")]
    assert "gold" not in rows[0]
    assert len(rows[0]["best"]) == 20
    assert sum(one["probability"] for one in rows[0]["best"]) == pytest.approx(1, abs=1e-4)
    context = contexts(unanswered)[0]
    shown = call("predict", korquad, "지붕은 무슨 색인가?", "--text-pair", context).out.splitlines()
    assert shown[0] == "지붕은 무슨 색인가?"
    assert len(shown) == 4
    assert shown[1].endswith(f"%  {rows[0]['answer']}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("지붕?",), "--text-pair was given 0 times for 1 texts"),
        (("지붕?", "--text-pair", " "), "--text-pair 1 is empty"),
        (("지붕?", "--text-pair", "지붕", "--top-k", "21"), "--top-k 21: must lie between 1 and 20"),
        (("지붕? " * 20, "--text-pair", "지붕은 " * 90), "shorten the question, raise --max-length or lower"),
        (("--input", "q.json", "--output", "o.csv"), "--output o.csv: the ending must be .jsonl"),
    ],
)
def test_calls_that_will_not_do(korquad, arguments, message):
    done = call("predict", korquad, *arguments)
    assert done.code == 2
    assert message in done.err
    assert done.err.splitlines()[-1].startswith("error: ")


def test_no_answer(klue, folder):
    record = json.loads((klue / "run.json").read_text(encoding="utf-8"))
    found = json.loads((klue / "metrics.json").read_text())["dev"]
    # The threshold is the best one for the dev set, so the figure with it is the best one.
    assert found["rouge_w"] == pytest.approx(found["best_rouge_w"])
    assert found["em_no_answer"] > 0.5
    assert found["em_has_answer"] > 0.5
    rows = lines_of(klue / "predictions-dev.jsonl")
    impossible = [row for row in rows if not row["gold"]]
    assert len(impossible) == 4
    for row in rows:
        assert (row["answer"] == "") == (row["no_answer"] > record["no_answer_threshold"])
        assert 0 <= row["no_answer_probability"] <= 1
        assert row["best"][0]["answer"]
    scores = [reading.klue_mrc(row["answer"], row["gold"])["rouge_w"] for row in rows]
    assert found["rouge_w"] == pytest.approx(sum(scores) / len(scores))
    done = call("eval", klue, "--data", folder / "klue.json", "--json")
    assert json.loads(done.out)["model"] == pytest.approx(found)


@pytest.mark.parametrize("name", ["korquad", "klue"])
def test_figures_are_those_of_the_predictions_kept(name, request, monkeypatch):
    monkeypatch.setattr("korscideberta.export.figures.RESAMPLES", 20)
    finished = FinishedRun.load(request.getfixturevalue(name), device=torch.device("cpu"), precision="float32")
    assert all(
        figure.interval is not None for figure in read_figures(finished.directory, finished.kind)["dev"].values()
    )


def card_example(run, tmp_path, monkeypatch, pipeline):
    """Run what the model card says."""
    for module in (card, figures):
        monkeypatch.setattr(module, "RESAMPLES", 20)
    done = call("push", run, "owner/name", "--dry-run", "--out", tmp_path / "pushed")
    assert done.code == 0, done.err
    text = (tmp_path / "pushed" / "README.md").read_text(encoding="utf-8")
    assert f"pipeline_tag: {pipeline}" in text
    exec(text.split("```python\n")[1].split("```")[0].replace("owner/name", str(tmp_path / "pushed")), {})


def test_the_card_of_a_reader(korquad, tmp_path, monkeypatch, capsys):
    card_example(korquad, tmp_path, monkeypatch, "question-answering")
    first, last = json.loads(capsys.readouterr().out)
    assert min(first, last) >= 0


def test_a_file_without_impossible_questions_is_always_answered(folder, tmp_path):
    path = write_json(tmp_path / "own.json", squad(8))
    run = train("answer", path, tmp_path / "run", "--epochs", "1")
    assert all(row["answer"] for row in lines_of(run / "predictions-dev.jsonl"))


def test_whole_articles_are_held_back(tmp_path):
    path = write_json(tmp_path / "q.json", squad(16))
    options = ("--epochs", "1", "--dev-share", "0.3")
    done = call("train", "korquad", "--train", path, *TINY, *options, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    rows = lines_of(tmp_path / "run" / "predictions-dev.jsonl")
    assert len({int(row["id"][1:]) % 4 for row in rows}) == 1
    assert len(rows) == 4


def test_record(folder):
    path = write_lines(folder / "record.jsonl", record())
    run = train("record", path, folder / "record", "--epochs", "10")
    found = json.loads((run / "metrics.json").read_text())["dev"]
    assert found["em"] > 0.6
    rows = lines_of(run / "predictions-dev.jsonl")
    assert all(len(row["best"]) == 2 for row in rows)  # the entities
    submitted = [{"idx": int(row["id"]), "label": row["answer"]} for row in rows]
    assert lines_of(predict_officially(run, path, folder / "ReCoRD.jsonl")) == submitted


@pytest.mark.parametrize(
    ("task", "write", "rows", "options"),
    [
        ("copa", write_lines, copa(), ("--epochs", "12")),
        ("race", write_lines, race(), ("--epochs", "1")),
        ("alphanli", write_alphanli, alphanli(), ("--epochs", "1")),
        (
            "choose",
            write_lines,
            [
                {"글": "비가 왔다.", "보기": ["땅이 젖었다|.", *["해가 떴다."] * (1 + n % 2)], "답": "A", "id": n}
                for n in range(8)
            ],
            ("--text", "글", "--text-pair", "보기", "--label", "답", "--epochs", "2"),
        ),
    ],
)  # fmt: skip
def test_choices(task, write, rows, options, tmp_path, monkeypatch, capsys):
    path = write(tmp_path / "train.jsonl", rows)
    run = train(task, path, tmp_path / "run", *options)
    found = json.loads((run / "metrics.json").read_text())["dev"]
    if task == "copa":
        assert found["accuracy"] > found["majority_accuracy"] == 0.5
    kept = lines_of(run / "predictions-dev.jsonl")
    assert found["questions"] == len(kept)
    assert found["accuracy"] == pytest.approx(sum(row["answer"] == row["gold"] for row in kept) / len(kept))
    assert all(sum(row["probabilities"]) == pytest.approx(1, abs=1e-4) for row in kept)
    done = call("predict", run, "--input", path)
    assert done.code == 0, done.err
    answers = [json.loads(line)["answer"] for line in done.out.splitlines()]
    assert answers == [row["answer"] for row in kept]
    if task == "race":
        assert found["accuracy_high"] == found["accuracy"]
        official = json.loads(predict_officially(run, path, tmp_path / "o.json").read_text())
        assert official == dict(zip([row["id"] for row in kept], answers, strict=True))
    if task == "copa":
        official = lines_of(predict_officially(run, path, tmp_path / "COPA.jsonl"))
        assert official == [{"idx": number, "label": int(answer)} for number, answer in enumerate(answers)]
        card_example(run, tmp_path, monkeypatch, "multiple-choice")
        assert capsys.readouterr().out.strip() in ("0", "1")
    if task == "alphanli":
        assert predict_officially(run, path, tmp_path / "o.lst").read_text().split() == answers
    finished = FinishedRun.load(run, device=torch.device("cpu"), precision="float32")
    assert finished.kind.stored(run / "predictions-dev.jsonl").examples == len(kept)


@pytest.mark.parametrize(
    ("task", "options", "message"),
    [
        ("korquad", ("--sift-lambda", "1"), "--sift-lambda 1.0: has no effect on the task korquad"),
        ("korquad", ("--loss", "focal"), "--loss focal: has no effect"),
        ("korquad", ("--text", "context"), "--text: files of questions have no columns"),
        ("korquad", ("--max-length", "8"), "shorten the question"),
        ("korquad", ("--max-answer-length", "0"), "--max-answer-length 0: must be 1 or more"),
        ("korquad", ("--doc-stride", "-1"), "--doc-stride -1: must be 1 or more"),
        ("mnli", ("--max-answer-length", "9"), "--max-answer-length 9: mnli has no answers in a text"),
        ("squad", ("--dev", "v2.json"), "is_impossible is true, but this task has an answer to all"),
    ],
)  # fmt: skip
def test_training_that_will_not_do(task, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_json(Path("v2.json"), squad(impossible=True))
    path = write_json(Path("q.json"), squad())
    if task == "mnli":
        path = Path("nli.csv")
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([["sentence1", "sentence2", "gold_label"], *[["가", "나", "neutral"]] * 20])
    done = call("train", task, "--train", path, *TINY, *options, "--out", "run")
    assert done.code == 2
    assert message in done.err
    assert not Path("run").exists()
