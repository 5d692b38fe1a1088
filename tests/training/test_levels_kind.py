from __future__ import annotations

import csv
import json
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from training_runs import STILL

from korscideberta import tasks
from korscideberta.data.encoding import EncodedExample
from korscideberta.data.examples import Example
from korscideberta.data.features import ClassificationFeatures
from korscideberta.errors import ConfigError, DataError, ModelError
from korscideberta.metrics.topk import topk_f1
from korscideberta.training.kinds.levels import LevelsKind
from korscideberta.training.settings import TrainSettings

FIELDS = "code,name,parent\nLA01,가,\nLA0101,나,\nLA0102,다,\nLA02,라,\nLA0201,마,\nNA01,바,\n"


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    path = tmp_path_factory.mktemp("fields") / "fields.csv"
    path.write_text(FIELDS, encoding="utf-8")
    return tasks.with_fields(tasks.get("papers"), "all", path)


def papers(*labels):
    return [
        Example(id=f"p{i}", text="글", labels=tuple(one.split("|")), origin=f"f.csv:{i + 2}")
        for i, one in enumerate(labels)
    ]


TRAIN = papers("LA0101", "LA0101|NA01", "LA0102", "LA0201", "NA01", "EE")


@pytest.fixture(scope="module")
def kind(task):
    return LevelsKind.learn(task, TRAIN, "f.csv")


def test_all_labels_of_all_levels_have_a_logit(task, kind):
    assert len(kind.labels) == 4 + 31  # 33 large fields, two of which have fields below
    assert len(kind.model_labels) == 33 + 3 + 3
    assert kind.model_labels[:33] == tuple(tasks.get("papers").labels)
    assert kind.model_labels[33:] == ("NA01", "LA01", "LA02", "LA0101", "LA0102", "LA0201")
    config = STILL.with_labels(kind.model_labels).with_changes(**kind.config_changes)
    assert [config.id2label[place] for place in config.label_parents[33:]] == ["NA", "LA", "LA", "LA01", "LA01", "LA02"]
    again = LevelsKind.of_model(task, config)
    assert set(again.labels) == set(kind.labels)
    assert again.model_labels == kind.model_labels
    logits = torch.randn(3, len(kind.model_labels))
    order = [again.labels.index(label) for label in kind.labels]
    torch.testing.assert_close(again.of_labels(logits)[:, order], kind.of_labels(logits))
    with pytest.raises(ModelError, match="do not lie below one another"):
        LevelsKind.of_model(task, config.with_changes(label_parents=(*config.label_parents[:-1], 0)))
    restored = LevelsKind.restore(task, {**json.loads(json.dumps(kind.record())), "settings": {}})
    assert (restored.labels, restored.model_labels, restored.counts) == (kind.labels, kind.model_labels, kind.counts)
    with pytest.raises(ModelError, match="labels of one level"):
        LevelsKind.of_model(task, STILL)


def test_the_loss_is_that_of_every_level_given_the_one_above(kind):
    logits = torch.randn(len(TRAIN), len(kind.model_labels), generator=torch.Generator().manual_seed(1))
    gold = [tuple(kind.labels.index(label) for label in one.labels) for one in TRAIN]
    encoded = [EncodedExample((1, 2), (0, 0), one) for one in gold]
    batch = ClassificationFeatures(encoded, len(kind.labels)).batch(range(len(encoded)))
    objective = kind.objective(TrainSettings())
    node = {label: place for place, label in enumerate(kind.model_labels)}

    def of_level(row, siblings, label):
        places = [node[one] for one in siblings]
        return float(F.cross_entropy(logits[row, places], torch.tensor(siblings.index(label))))

    def of_path(row, path):
        large = of_level(row, list(kind.model_labels[:33]), path[0])
        below = {"LA": ["LA01", "LA02"], "NA": ["NA01"], "LA01": ["LA0101", "LA0102"], "LA02": ["LA0201"]}
        return large + sum(of_level(row, below[above], label) for above, label in pairwise(path))

    wanted = [np.mean([of_path(row, kind.task.path(label)) for label in one.labels]) for row, one in enumerate(TRAIN)]
    assert objective.weight(batch) == len(TRAIN)
    assert float(objective(logits, batch)) == pytest.approx(sum(wanted), rel=1e-5)
    assert float(objective.change(logits, logits)) == pytest.approx(0, abs=1e-6)
    weighted = kind.objective(TrainSettings(class_weights="balanced", label_smoothing=0.1))
    assert weighted.weights_C.shape == (35,)
    assert torch.isfinite(weighted(logits, batch))


def test_figures_of_every_level(kind):
    logits = 3 * torch.randn(len(TRAIN), len(kind.model_labels), generator=torch.Generator().manual_seed(2))
    outputs = kind.of_labels(logits).numpy()
    figures = kind.figures(TRAIN, outputs, 3)
    shares = np.exp(outputs.astype(np.float64))
    for level, number in (("large", 0), ("middle", 1)):
        above = [kind.task.path(label)[: number + 1][-1] for label in kind.labels]
        names = sorted(set(above))
        scores = np.array([[row[[one == name for one in above]].sum() for name in names] for row in shares])
        gold = [
            list(dict.fromkeys(names.index(above[kind.labels.index(label)]) for label in one.labels)) for one in TRAIN
        ]
        for name, value in topk_f1(scores, gold, 3).items():
            assert figures[f"{level}_{name}"] == pytest.approx(value), (level, name)
        assert f"majority_{level}_f1_micro" in figures
    assert "small_f1_micro" not in figures  # of the lowest labels there are the plain ones
    assert {"f1_micro", "hierarchical_f1", "documents", "k"} <= set(figures)
    certain = np.full_like(outputs, -30)
    for row, one in enumerate(TRAIN):
        certain[row, [kind.labels.index(label) for label in one.labels]] = 0
    perfect = kind.figures(TRAIN, certain, 1)
    assert perfect["hierarchical_f1"] == perfect["large_f1_strict"] == perfect["f1_strict"] == 1


def test_a_field_is_never_likelier_than_the_one_above_it(kind):
    logits = 3 * torch.randn(50, len(kind.model_labels), generator=torch.Generator().manual_seed(3))
    outputs = kind.of_labels(logits).numpy()
    found = kind.predictions(papers(*["EE"] * 50), outputs, 33)
    for prediction in found:
        large, middle = ({one["label"]: one["probability"] for one in prediction[name]} for name in ("large", "middle"))
        assert sum(large.values()) == pytest.approx(1, abs=1e-4)
        for one in prediction["labels"]:
            path = kind.task.path(one["label"])
            chances = [level[path[min(place, len(path) - 1)]] for place, level in enumerate((large, middle))
                       if path[min(place, len(path) - 1)] in level]  # fmt: skip
            chances.append(one["probability"])
            assert all(below <= above + 1e-6 for above, below in pairwise(chances))
    told = kind.shown(found[0])
    assert any(" > " in line for line in told)
    assert told[-1].split()[1] == "middle:"


def test_files_of_predictions(kind, tmp_path):
    logits = 3 * torch.randn(len(TRAIN), len(kind.model_labels), generator=torch.Generator().manual_seed(2))
    outputs = kind.of_labels(logits).numpy()
    kind.write(tmp_path / "p.csv", TRAIN, kind.predictions(TRAIN, outputs, 3), labelled=True)
    figures = kind.figures(TRAIN, outputs, 3)
    stored = kind.stored(tmp_path / "p.csv")
    again = stored.score(np.arange(len(TRAIN)))
    assert {"hierarchical_f1", "f1_strict"} <= set(again)
    assert again == pytest.approx({name: figures[name] for name in again})
    with (tmp_path / "p.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    right = [row["large_pred_1"] == kind.task.path(row["gold"].split("|")[0])[0] for row in rows]
    assert np.mean(right) == figures["large_top1_accuracy"]
    assert all(float(row["large_prob_1"]) >= float(row["middle_prob_1"]) >= float(row["prob_1"]) for row in rows)
    kind.write(tmp_path / "p.jsonl", TRAIN, kind.predictions(TRAIN, outputs, 3), labelled=True)
    line = json.loads((tmp_path / "p.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert line["large"][0]["label"] == rows[0]["large_pred_1"]


def test_labels_are_learnt_where_no_file_lists_them():
    task = tasks.with_fields(tasks.get("papers"), "all", None)
    kind = LevelsKind.learn(task, papers("EE0102", "EE0201", "LA>세포>신호", "NA"), "f.csv")
    assert kind.labels == ("EE0102", "EE0201", "LA>세포>신호", "NA")
    assert kind.model_labels == ("EE", "LA", "NA", "EE01", "EE02", "LA>세포", "EE0102", "EE0201", "LA>세포>신호")
    with pytest.raises(DataError, match=r"f\.csv:3: EE 정보/통신 has fields below it in other rows"):
        LevelsKind.learn(task, papers("EE0102", "EE|NA"), "f.csv")
    with pytest.raises(DataError, match=r"f\.csv: every row has the label 'EE'"):
        LevelsKind.learn(task, papers("EE", "EE"), "f.csv")
    with pytest.raises(ConfigError, match="--targets multi-label: has no effect on --level all"):
        kind.adopt(TrainSettings(targets="multi-label"), TRAIN)


def test_rare_fields_are_merged_below_the_same_field(task):
    merged, examples = tasks.merge_rare(task, {"train": TRAIN, "dev": papers("LA0201|LA0102", "LB")}, 2)
    assert [one.labels for one in examples["train"]] == [
        ("LA0101",), ("LA0101", "NA01"), ("LA01>other",), ("LA02>other",), ("NA01",), ("other",),
    ]  # fmt: skip
    assert [one.labels for one in examples["dev"]] == [("LA02>other", "LA01>other"), ("other",)]
    kind = LevelsKind.learn(merged, examples["train"], "f.csv")
    assert kind.model_labels == ("NA", "LA", "other", "NA01", "LA01", "LA02", "LA0101", "LA01>other", "LA02>other")
    again = tasks.task_of({**tasks.task_record(merged), "labels": list(merged.labels)})
    assert again.path("LA01>other") == ("LA", "LA01", "LA01>other")
    assert again.display("LA01>other") == "LA01 가 > other"
