import csv

import numpy as np
import pytest

from korscideberta.errors import ModelError
from korscideberta.export import figures
from korscideberta.metrics.summary import several_labels, single_label, summarise
from korscideberta.run import RunDirectory
from korscideberta.tasks import Task
from korscideberta.training.kinds.sequence import SequenceKind

LABELS = ("a|b", "b", "c", "d", "e")


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(figures, "RESAMPLES", 60)


def write_run(folder, score, gold, k):
    """A run of random predictions with the figures that their whole scores give."""
    scores = np.random.default_rng(0).random((len(gold), len(LABELS)))
    run = RunDirectory(folder)
    stored = summarise(score, scores, gold, k, [5, 4, 3, 2, 1])
    run.write_metrics({"test": stored})
    with run.predictions("test").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "gold", *(f"pred_{i + 1}" for i in range(k)), *(f"prob_{i + 1}" for i in range(k))])
        for row, (line, labels) in enumerate(zip(scores, gold, strict=True)):
            best = np.argsort(-line)[:k]
            writer.writerow([row, "|".join(LABELS[i] for i in labels), *(LABELS[i] for i in best), *line[best]])
    return run, stored


def kind(score):
    task = Task(name="t", summary="", layout="", labels=LABELS, metric="", score=score, read=lambda *_: [])
    return SequenceKind(task, LABELS, [5, 4, 3, 2, 1])


def gold_lists(most, count=80):
    generator = np.random.default_rng(1)
    return [generator.permutation(np.arange(1, 5))[: 1 + i % most].tolist() for i in range(count)]


@pytest.mark.parametrize(("most", "undecided"), [(2, {"mrr"}), (3, {"mrr", "f1_strict"})])
def test_several_gold_labels(most, undecided, tmp_path):
    run, stored = write_run(tmp_path, several_labels, gold_lists(most), k=2)
    found = figures.read_figures(run, kind(several_labels))["test"]
    assert list(found) == ["f1_micro", "f1_macro", "f1_strict", "top1_accuracy", "topk_accuracy", "mrr"]
    for name, figure in found.items():
        assert figure.value == stored[name]
        assert figure.majority == stored[f"majority_{name}"]
        assert (figure.interval is None) == (name in undecided)
    low, high = found["f1_micro"].interval
    # The share of 80 documents found has a standard error near 0.055; the interval is about four of them wide.
    assert low < found["f1_micro"].value < high
    assert 0.1 < high - low < 0.35


def test_every_figure_is_decided_when_every_label_is_named(tmp_path):
    run, _ = write_run(tmp_path, single_label, [[i % 5] for i in range(80)], k=5)
    found = figures.read_figures(run, kind(single_label))["test"]
    assert all(figure.interval is not None for figure in found.values())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,gold,pred_1,prob_1\n1,b,unheard,0.5\n", "unknown label 'unheard'; not the predictions of this run"),
        ("id,gold,pred_1,prob_1\n", "holds no predictions"),
        ("id,truth\n1,b\n", "not the predictions of this run"),
    ],
)
def test_files_that_are_not_of_the_run(content, message, tmp_path):
    run, _ = write_run(tmp_path, single_label, [[1]], k=1)
    run.predictions("test").write_text(content)
    with pytest.raises(ModelError, match=message):
        figures.read_figures(run, kind(single_label))
