"""Papers at a level of their fields, through the command line."""

from __future__ import annotations

import csv
import json

import pytest
from cli_calls import TINY, TOPICS, call
from sklearn.metrics import accuracy_score, f1_score

from korscideberta.evaluation.report.runs import read_runs

FIELDS = {
    "과학": ("물리학", "광학", "NB01"),
    "경제": ("경제/경영", "금융", "SC01"),
    "체육": ("경제/경영", "스포츠경영", "SC02"),
}


def read(path):
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fields")
    rows = ["논문제목,초록,대분류,중분류"]
    for number in range(24):
        topic = list(TOPICS)[number % 3]
        rows.append(f"논문 {number},{TOPICS[topic]} {number},{','.join(FIELDS[topic][:2])}")
    (folder / "papers.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    fields = [f"{code},{name},{code[:2]}" for _, name, code in FIELDS.values()]
    (folder / "fields.csv").write_text("\n".join(["code,name,parent", *fields]) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def all_levels(files, tmp_path_factory):
    run = tmp_path_factory.mktemp("levels") / "run"
    data = ("--train", files / "papers.csv", "--dev", files / "papers.csv")
    done = call("train", "papers", *data, "--level", "all", "--taxonomy", files / "fields.csv", *TINY, "--out", run)
    assert done.code == 0, done.err
    return run


def test_the_level_is_among_the_settings_of_a_run(all_levels):
    again = ("train", "--config", all_levels / "run.json", "--dry-run")
    for level, labels in (((), 34), (("--level", "middle"), 34), (("--level", "large"), 33)):
        assert f"papers: 24 train + 24 dev examples, {labels} labels" in call(*again, *level).out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("papers", "--level", "tiny"), "--level tiny"),
        (("classify", "--level", "small"), "the labels of classify have no levels"),
        (("papers", "--taxonomy", "missing.csv"), "missing.csv: no such file"),
    ],
)
def test_levels_that_are_refused(files, options, message):
    done = call("train", options[0], "--train", files / "papers.csv", *options[1:], *TINY, "--dry-run")
    assert done.code == 2
    assert message in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_rare_labels_are_merged_when_asked(tmp_path):
    rows = [f"{text} {number},{label}" for label, text in TOPICS.items() for number in range(8)]
    table = tmp_path / "t.csv"
    table.write_text(
        "\n".join(["text,label", *rows, "천체를 관측하였다,천문", "약을 처방하였다,의학"]) + "\n", encoding="utf-8"
    )
    run = tmp_path / "run"
    data = ("--train", table, "--dev", table)
    done = call("train", "classify", *data, "--merge-rare", "2", *TINY, "--out", run)
    assert done.code == 0, done.err
    assert "2 of 5 labels are read as 'other': 의학 (1), 천문 (1)" in done.err
    assert "        8        8  체육" in done.err  # the rows of each label, when training begins
    assert "        2        2  other 기타" in done.err
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["labels"] == ["경제", "과학", "체육", "other"]
    told = call("eval", run, "--by-label")
    assert told.code == 0, told.err
    lines = [line.split() for line in told.out.splitlines() if line.startswith(("other 기타", "체육"))]
    assert [line[-6:-4] for line in lines if line[0] == "체육"] == [["8", "8"]]
    assert [line[-6:-4] for line in lines if line[0] == "other"] == [["2", "2"]]
    again = call("train", "--config", run / "run.json", "--dry-run").out
    assert "4 labels" in again
    done = call("baseline", "--like", run, "--kind", "majority", "--out", tmp_path / "baseline")
    assert done.code == 0, done.err
    assert call("compare", run, tmp_path / "baseline" / "majority").code == 0


def test_rare_fields_of_all_levels_are_merged_before_folds_are_made(files, tmp_path):
    table = tmp_path / "t.csv"
    rows = (files / "papers.csv").read_text(encoding="utf-8")
    table.write_text(f"{rows}논문 24,약을 처방하였다,LC,\n논문 25,배를 설계하였다,EI,\n", encoding="utf-8")
    levels = ("--level", "all", "--taxonomy", files / "fields.csv", "--merge-rare", "2")
    options = ("--data", table, *levels, "--folds", "2", "--threshold", "0", "--top-k", "1")
    done = call("baseline", "papers", *options, "--kind", "majority", "--out", tmp_path / "baseline")
    assert done.code == 0, done.err
    run = tmp_path / "cv"
    done = call("cv", "papers", *options, *TINY, "--out", run)
    assert done.code == 0, done.err
    for folder in (run, run / "fold-1", tmp_path / "baseline" / "majority"):
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        assert record["labels"] == ["NB01", "SC01", "SC02", "other"]
        assert len(record["variant"]["merged"]) == 31
    config = json.loads((run / "fold-1" / "model" / "config.json").read_text(encoding="utf-8"))
    assert list(config["id2label"].values()) == ["NB", "SC", "other", "NB01", "SC01", "SC02"]
    figures = json.loads((run / "metrics.json").read_text())["oof"]
    assert figures["hierarchical_f1_low"] <= figures["hierarchical_f1"] <= figures["hierarchical_f1_high"]
    assert call("eval", run / "fold-1").code == 0
    found = read(run / "predictions-oof.csv")
    in_folds = [row for fold in ("fold-1", "fold-2") for row in read(run / fold / "predictions-test.csv")]
    assert sorted(in_folds, key=lambda row: int(row["id"])) == found
    gold, named = ([row[column][:2] for row in found] for column in ("gold", "large_pred_1"))  # "ot" is "other"
    assert figures["large_top1_accuracy"] == pytest.approx(accuracy_score(gold, named))
    assert figures["large_f1_macro"] == pytest.approx(f1_score(gold, named, average="macro"))
    assert figures["majority_large_f1_micro"] == gold.count("SC") / len(gold)
    (shown,) = read_runs([run], None)
    assert shown.split.figures["large_f1_macro"].interval == (
        figures["large_f1_macro_low"],
        figures["large_f1_macro_high"],
    )
    compared = call("compare", run, tmp_path / "baseline" / "majority")
    assert "26 documents, middle fields, k = 1" in compared.out
    assert {"large_f1_macro", "hierarchical_f1"} <= set(compared.out.split())
    compared = call("compare", run, tmp_path / "baseline" / "majority", "--level", "large", "--json")
    report = json.loads(compared.out)
    assert report["figures"][str(run)]["f1_macro"]["value"] == pytest.approx(figures["large_f1_macro"])
    assert report["comparisons"][0]["fields"]["SC"]["support"] == 16


def test_a_run_of_all_levels(all_levels, files, tmp_path):
    record = json.loads((all_levels / "run.json").read_text(encoding="utf-8"))
    assert record["variant"]["level"] == "all"
    assert len(record["labels"]) == 3 + 31  # two large fields have middle ones here
    assert [row["gold"] for row in read(all_levels / "predictions-dev.csv")][:3] == ["NB01", "SC01", "SC02"]
    config = json.loads((all_levels / "model" / "config.json").read_text(encoding="utf-8"))
    assert [config["id2label"][str(config["label_parents"][33 + place])] for place in range(3)] == ["NB", "SC", "SC"]
    trained = json.loads((all_levels / "metrics.json").read_text())["dev"]
    assert {"f1_micro", "large_f1_micro", "hierarchical_f1", "majority_large_mrr"} <= set(trained)
    out = tmp_path / "o.csv"
    (files / "fields.csv").rename(tmp_path / "gone.csv")  # a run keeps its fields
    try:
        done = call("eval", all_levels, "--json", "--coverage", "0.8", "--baseline", "--output", out)
    finally:
        (tmp_path / "gone.csv").rename(files / "fields.csv")
    assert done.code == 0, done.err
    figures = json.loads(done.out)
    assert figures["model"] == pytest.approx(trained, abs=1e-5)
    assert figures["TF-IDF + LR"]["hierarchical_f1"] == 1
    assert out.read_bytes() == (all_levels / "predictions-dev.csv").read_bytes()
    alone = ("--model", all_levels / "model", "--task", "papers", "--max-length", "16", "--data", files / "papers.csv")
    done = call("eval", *alone, "--level", "all", "--taxonomy", files / "fields.csv", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)["model"]
    assert found == pytest.approx({name: trained[name] for name in found}, abs=1e-5)
    assert "its labels are" in call("eval", *alone).err


def test_paths_of_a_run_of_all_levels(all_levels, tmp_path):
    done = call("predict", all_levels, "시장 금리", "--top-k", "34", "--calibrated")
    assert done.code == 0, done.err
    assert "SC 경제/경영 > SC02 스포츠경영" in done.out
    assert done.out.splitlines()[-1].split()[1] == "large:"
    page = call("report", all_levels, "--out", tmp_path / "report.html")
    assert page.code == 0, page.err
    told = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "계층 F1" in told
    assert "대분류 F1-micro" in told
    assert "--level all" in told
