"""Every kind of head for whole texts from the training file to the prediction, through the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest
from cli_calls import TINY, TOPICS, call

from korscideberta.evaluation.finished import FinishedRun
from korscideberta.export.figures import read_figures


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    topics = list(TOPICS)
    values, several = ["글,짝,값"], ["text,label"]
    for i in range(24):
        first, second = topics[i % 3], topics[(i + 1) % 3]
        values.append(f"{TOPICS[first]} {i},{TOPICS[second]},{i % 3 * 2.5}")
        several.append(f"{TOPICS[first]} {TOPICS[second]} {i},{('', first, f'{first}|{second}')[i // 3 % 3]}")
    (folder / "values.csv").write_text("\n".join(values) + "\n", encoding="utf-8")
    (folder / "several.csv").write_text("\n".join(several) + "\n", encoding="utf-8")
    return folder


COLUMNS = ("--text", "글", "--text-pair", "짝", "--label", "값")


@pytest.fixture(scope="module")
def regression(files, tmp_path_factory):
    run = tmp_path_factory.mktemp("regression") / "run"
    data = ("--train", files / "values.csv", "--dev", files / "values.csv")
    done = call("train", "regress", *data, *COLUMNS, *TINY, "--epochs", "4", "--sift-lambda", "1", "--out", run)
    assert done.code == 0, done.err
    assert "rmse" in done.out
    return run


@pytest.fixture(scope="module")
def multi_label(files, tmp_path_factory):
    run = tmp_path_factory.mktemp("several") / "run"
    data = ("--train", files / "several.csv", "--dev", files / "several.csv")
    tiny = (*TINY, "--epochs", "10", "--learning-rate", "2e-3")
    done = call("train", "classify", "--multi-label", *data, *tiny, "--out", run)
    assert done.code == 0, done.err
    return run


def lines_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_regression_run(regression):
    figures = json.loads((regression / "metrics.json").read_text())["dev"]
    assert figures["majority_rmse"] == pytest.approx(np.std([0, 2.5, 5]))
    assert figures["majority_pearson"] == 0
    assert figures["pearson"] > 0.3
    assert figures["documents"] == 24
    rows = lines_of(regression / "predictions-dev.jsonl")
    assert [row["gold"] for row in rows[:3]] == [0, 2.5, 5]
    rmse = np.sqrt(np.mean([(row["gold"] - row["value"]) ** 2 for row in rows]))
    assert figures["rmse"] == pytest.approx(rmse, abs=1e-5)
    config = json.loads((regression / "model" / "config.json").read_text(encoding="utf-8"))
    assert (config["problem_type"], len(config["id2label"])) == ("regression", 1)


def test_regression_evaluates_as_it_was_trained(regression, files, tmp_path):
    out = tmp_path / "o.jsonl"
    done = call("eval", regression, "--data", files / "values.csv", "--json", "--output", out)
    assert done.code == 0, done.err
    trained = json.loads((regression / "metrics.json").read_text())["dev"]
    assert json.loads(done.out)["model"] == pytest.approx(trained, abs=1e-5)
    assert out.read_bytes() == (regression / "predictions-dev.jsonl").read_bytes()
    assert "24 documents" in call("eval", regression, "--data", files / "values.csv").out


def test_regression_predicts(regression, files):
    shown = call("predict", regression, "입자의 에너지", "--text-pair", "시장 금리").out.splitlines()
    assert shown[0] == "입자의 에너지"
    assert float(shown[1]) == pytest.approx(2.5, abs=5)
    rows = call("predict", regression, "--input", files / "values.csv").out.splitlines()
    stored = lines_of(regression / "predictions-dev.jsonl")
    assert [json.loads(row)["value"] for row in rows] == pytest.approx([row["value"] for row in stored], abs=1e-4)


def test_multi_label_run(multi_label):
    figures = json.loads((multi_label / "metrics.json").read_text())["dev"]
    # A label of three is right for every third example: no label reaches half of them.
    assert figures["majority_f1_micro"] == 0
    assert figures["f1_micro"] > 0.5
    rows = lines_of(multi_label / "predictions-dev.jsonl")
    assert rows[0]["gold"] == []
    assert rows[6]["gold"] == list(TOPICS)[:2]
    assert all(one["probability"] >= 0.5 for row in rows for one in row["labels"])
    config = json.loads((multi_label / "model" / "config.json").read_text(encoding="utf-8"))
    assert config["problem_type"] == "multi_label_classification"


def test_multi_label_predicts(multi_label, files):
    rows = [
        json.loads(line) for line in call("predict", multi_label, "--input", files / "several.csv").out.splitlines()
    ]
    stored = lines_of(multi_label / "predictions-dev.jsonl")
    assert [[one["label"] for one in row["labels"]] for row in rows] == [
        [one["label"] for one in row["labels"]] for row in stored
    ]
    assert call("predict", multi_label, "글").out.startswith("글\n  ")


@pytest.mark.parametrize("name", ["regression", "multi_label"])
def test_figures_are_those_of_the_predictions_kept(name, request, monkeypatch):
    import torch

    monkeypatch.setattr("korscideberta.export.figures.RESAMPLES", 20)
    finished = FinishedRun.load(request.getfixturevalue(name), device=torch.device("cpu"), precision="float32")
    found = read_figures(finished.directory, finished.kind)["dev"]
    assert all(figure.interval is not None for figure in found.values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("regress", *COLUMNS, "--loss", "focal"), "--loss focal: has no effect on the task regress"),
        (("regress", *COLUMNS, "--doc-stride", "64"), "--doc-stride 64: regress does not cut texts"),
        (("classify", "--multi-label", *COLUMNS, "--top-k", "2"), "--top-k 2: has no effect on the task classify-"),
        (("mnli", "--multi-label"), "--multi-label: mnli has one label a row"),
        (("regress", "--text", "글", "--label", "짝"), "values.csv:2: the value is"),
    ],
)
def test_options_without_effect(arguments, message, files, tmp_path):
    done = call("train", *arguments, "--train", files / "values.csv", *TINY, "--out", tmp_path / "run")
    assert done.code == 2
    assert message in done.err
    assert len(done.err.splitlines()) <= 2
    assert not (tmp_path / "run").exists()


def test_predictions_need_an_ending_that_fits(regression, files, tmp_path):
    done = call("predict", regression, "--input", files / "values.csv", "--output", tmp_path / "a.csv")
    assert (done.code, "must be .jsonl" in done.err) == (2, True)
    done = call("eval", regression, "--data", files / "values.csv", "--baseline")
    assert (done.code, "--baseline" in done.err) == (2, True)


def test_a_model_without_its_run_has_the_same_figures(regression, multi_label, trained, table, files):
    for run, file, arguments in (
        (regression, files / "values.csv", ("--task", "regress", *COLUMNS)),
        (multi_label, files / "several.csv", ("--task", "classify-multi-label")),
        (trained, table, ("--task", "classify", "--text", "제목", "--label", "분야")),
    ):
        done = call("eval", "--model", run / "model", "--data", file, *arguments, "--max-length", "16", "--json")
        assert done.code == 0, done.err
        stored = json.loads((run / "metrics.json").read_text())["dev"]
        expected = {name: value for name, value in stored.items() if not name.startswith("majority_")}
        assert json.loads(done.out)["model"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give either RUN or --model"),
        (("RUN", "--model", "MODEL"), "give either RUN or --model"),
        (("RUN", "--task", "regress"), "go with --model"),
        (("--model", "MODEL", "--task", "regress"), "--model needs --task and --data"),
        (("--model", "MODEL", "--task", "mnli", "--data", "a.csv"), "its labels are LABEL_0; those of mnli are contra"),
        (("--model", "MODEL", "--task", "ner", "--data", "a.csv"), "is scored from its run directory alone"),
    ],
)
def test_faults_of_a_model_without_its_run(arguments, message, regression):
    names = {"RUN": regression, "MODEL": regression / "model"}
    done = call("eval", *(names.get(argument, argument) for argument in arguments))
    assert done.code == 2
    assert message in done.err.splitlines()[-1]  # the loader warns of weights that belong to another head
