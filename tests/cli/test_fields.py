"""Papers at a level of their fields, through the command line."""

from __future__ import annotations

import csv
import json

import pytest
from cli_calls import TINY, TOPICS, call

FIELDS = {
    "과학": ("물리학", "광학", "NB01"),
    "경제": ("경제/경영", "금융", "SC01"),
    "체육": ("경제/경영", "스포츠경영", "SC02"),
}


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
def middle(files, tmp_path_factory):
    run = tmp_path_factory.mktemp("middle") / "run"
    data = ("--train", files / "papers.csv", "--dev", files / "papers.csv")
    done = call("train", "papers", *data, "--level", "middle", "--taxonomy", files / "fields.csv", *TINY, "--out", run)
    assert done.code == 0, done.err
    return run


def test_a_run_at_a_level_keeps_its_fields(middle, files, tmp_path):
    record = json.loads((middle / "run.json").read_text(encoding="utf-8"))
    assert record["variant"]["level"] == "middle"
    assert len(record["labels"]) == 3 + 31  # two large fields have middle ones here
    with (middle / "predictions-dev.csv").open(encoding="utf-8") as stream:
        assert [row["gold"] for row in csv.DictReader(stream)][:3] == ["NB01", "SC01", "SC02"]
    (files / "fields.csv").rename(tmp_path / "gone.csv")
    try:
        told = call("predict", middle, "입자의 에너지", "--top-k", "34").out
        assert "SC02 스포츠경영" in told
        figures = json.loads(call("eval", middle, "--json").out)["model"]
    finally:
        (tmp_path / "gone.csv").rename(files / "fields.csv")
    assert figures == pytest.approx(json.loads((middle / "metrics.json").read_text())["dev"], abs=1e-6)


def test_the_level_is_among_the_settings_of_a_run(middle, files, tmp_path):
    told = call("train", "--config", middle / "run.json", "--dry-run").out
    assert "papers: 24 train + 24 dev examples, 34 labels" in told
    told = call("train", "--config", middle / "run.json", "--level", "large", "--dry-run").out
    assert "33 labels" in told
    page = call("report", middle, "--out", tmp_path / "report.html")
    assert page.code == 0, page.err
    assert "--level middle" in (tmp_path / "report.html").read_text(encoding="utf-8").replace("&#32;", " ")


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
