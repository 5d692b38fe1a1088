from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsed_page import parse
from report_runs import write_run

from korscideberta.errors import ConfigError, ModelError
from korscideberta.evaluation.report.page import page
from korscideberta.evaluation.report.runs import read_runs
from korscideberta.evaluation.report.words import LANGUAGES, Words
from korscideberta.metrics.resampling import bootstrap_intervals
from korscideberta.tasks.taxonomy import LARGE_FIELDS

MIDDLE = [f"{code}{number:02d}" for code in LARGE_FIELDS for number in range(1, 13)][:372]
NAMED = [f"라벨 {number}" for number in range(60)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    return {
        "papers": write_run(root / "a" / "papers", list(LARGE_FIELDS), task="papers", documents=500, most_gold=3),
        "again": write_run(
            root / "b" / "papers", list(LARGE_FIELDS), task="papers", documents=500, most_gold=3, skill=1.0
        ),
        "middle": write_run(root / "middle", MIDDLE, documents=600, skill=5),
        "named": write_run(root / "named", NAMED, documents=400),
        "few": write_run(root / "few", ["긍정", "부정"], documents=60, split="dev"),
    }


def written(folders, *names, language="ko", split=None):
    runs = read_runs([folders[name] for name in names], split)
    return page(runs, {}, Words(language))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("names", [("papers",), ("middle",), ("named",), ("few",), ("papers", "again", "few")])
def test_a_page_is_whole_and_asks_nothing_of_the_network(folders, names, language):
    text = written(folders, *names, language=language)
    found = parse(text)
    assert not found.unclosed
    assert found.tags[0] == ("html", {"lang": language})
    ids = found.attribute("id")
    assert len(ids) == len(set(ids))
    links = [link.removeprefix("#") for link in found.attribute("href") if link != "data:,"]
    assert links
    assert set(links) <= set(ids)
    assert not found.attribute("src")
    assert not re.search(r"https?://|@import|url\((?!\"data:)", text)
    assert "default-src 'none'" in found.attribute("content")[0]
    assert "someone" not in text
    assert "secret" not in text
    assert len(text.encode()) < 1_000_000
    assert not re.search(r"\bnan\b|\binf\b", found.text)


def test_figures_are_those_of_the_run_with_the_bootstrap_s_intervals(folders):
    run = read_runs([folders["few"]], None)[0]
    stored = json.loads((folders["few"] / "metrics.json").read_text())["dev"]
    figure = run.split.figures["accuracy"]
    assert figure.value == stored["accuracy"]
    assert figure.majority == stored["majority_accuracy"]
    correct = run.split.predictions.correct
    expected = bootstrap_intervals(lambda rows: {"accuracy": correct[rows].mean()}, len(correct), resamples=2000)
    np.testing.assert_allclose(figure.interval, expected["accuracy"])
    low, high = figure.interval
    assert f"{low:.3f} – {high:.3f}" in parse(written(folders, "few")).text


def test_figures_that_the_kept_predictions_do_not_decide_have_no_interval(folders):
    figures = read_runs([folders["papers"]], None)[0].split.figures
    assert figures["mrr"].interval is None
    assert all(figure.interval for name, figure in figures.items() if name != "mrr")
    assert Words("ko")("undecided") in parse(written(folders, "papers")).text


def test_many_labels_are_merged_into_parents_or_the_most_erring(folders):
    middle, named, papers = (
        parse(written(folders, name, language="en")).text for name in ("middle", "named", "papers")
    )
    assert "372 labels are shown as their 31 parents" in middle
    assert "NA 수학" in middle
    assert "Of 60 labels the 24 that take part in the most errors are shown" in named
    assert "parents" not in papers


def test_every_label_that_occurs_has_a_row(folders):
    run = read_runs([folders["papers"]], None)[0]
    text = written(folders, "papers")
    table = re.search(r'aria-label="라벨별 성능">(.*?)</table>', text, re.S).group(1)
    occurring = set(run.split.predictions.true.tolist()) | set(run.split.predictions.first.tolist())
    assert table.count("<tr>") == len(occurring) + 1


def test_several_runs_are_compared(folders):
    found = parse(written(folders, "papers", "again", language="en")).text
    assert "a/papers" in found
    assert "b/papers" in found
    assert "not tested on the same documents" not in found
    assert "All settings are the same." in found
    mixed = parse(written(folders, "papers", "few", language="en")).text
    assert "not tested on the same documents" in mixed
    assert "classify" in mixed


def test_best_figure_is_bold_in_the_comparison(folders):
    runs = read_runs([folders["papers"], folders["again"]], None)
    best = max(runs, key=lambda run: run.split.figures["f1_macro"].value).split.figures["f1_macro"].value
    assert f"<b>{best:.3f}</b>" in page(runs, {}, Words("ko")).split("</section>")[0]


@settings(max_examples=6)
@given(
    st.lists(
        st.text(min_size=1, max_size=40).filter(lambda t: t.strip() and "|" not in t),
        min_size=3,
        max_size=5,
        unique=True,
    )
)
def test_hostile_labels_and_ids_stay_text(tmp_path_factory, labels):
    labels = [f"</script><script>alert({n})//{label}" for n, label in enumerate(labels)]
    folder = write_run(
        tmp_path_factory.mktemp("hostile") / "<img src=x onerror=alert(1)>",
        labels,
        documents=30,
        ids=[f"'\"><b>{n}" for n in range(30)],
    )
    text = written({"x": folder}, "x")
    found = parse(text)
    assert [name for name, _ in found.tags].count("script") == 1
    assert not [name for name, _ in found.tags if name == "img"]
    assert not [key for _, attributes in found.tags for key in attributes if key.startswith("on")]
    assert "</script><script>alert(0)//" in found.text


def test_a_split_that_is_not_there_is_refused(folders):
    with pytest.raises(ConfigError, match=r"--split dev: .+ has figures of test"):
        read_runs([folders["papers"]], "dev")
    assert read_runs([folders["few"]], None)[0].shown == "dev"


def test_a_run_named_twice_is_refused(folders):
    with pytest.raises(ConfigError, match="named twice"):
        read_runs([folders["few"], folders["few"]], None)


def test_runs_with_several_seeds_are_read_each(tmp_path):
    for seed in (1, 2):
        write_run(tmp_path / "many" / f"seed-{seed}", ["가", "나"], documents=20, seed=seed)
    (tmp_path / "many" / "run.json").write_text('{"seeds": [1, 2]}')
    assert [run.name for run in read_runs([tmp_path / "many"], None)] == ["seed-1", "seed-2"]


def change(folder, **changes):
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, **changes}))


def test_what_is_no_finished_classification_run_is_refused(tmp_path):
    folder = write_run(tmp_path / "run", ["가", "나"], documents=20)
    figures = json.loads((folder / "metrics.json").read_text())
    figures["test"]["accuracy"] += 0.1
    (folder / "metrics.json").write_text(json.dumps(figures))
    with pytest.raises(ModelError, match="accuracy of these predictions is"):
        read_runs([folder], None)
    (folder / "metrics.json").unlink()
    with pytest.raises(ModelError, match="let the run finish"):
        read_runs([folder], None)
    change(folder, task="ner")
    with pytest.raises(ModelError, match="a report is made of classification runs"):
        read_runs([folder], None)
    with pytest.raises(ModelError, match="not a run directory"):
        read_runs([tmp_path], None)


def test_a_journal_that_a_kill_cut_short_is_read_to_there(tmp_path):
    folder = write_run(tmp_path / "run", ["가", "나"], documents=20)
    with (folder / "metrics.jsonl").open("a") as stream:
        stream.write('{"step": 210, "lo')
    assert "학습 손실" in written({"x": folder}, "x")
    (folder / "metrics.jsonl").unlink()
    assert "metrics.jsonl에 기록이 없습니다" in written({"x": folder}, "x")
