"""What several gold fields of a paper are to training, on the papers that the package ships."""

from __future__ import annotations

import csv
import json
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from training_runs import STILL

from korscideberta import tasks
from korscideberta.data.encoding import EncodedExample, label_indices
from korscideberta.data.examples import Example
from korscideberta.data.features import ClassificationFeatures
from korscideberta.errors import ConfigError
from korscideberta.evaluation.confidence import scaled
from korscideberta.evaluation.finished import FinishedRun
from korscideberta.model import DebertaV2ForSequenceClassification
from korscideberta.predictions import read_predictions
from korscideberta.run import RunDirectory
from korscideberta.tasks.papers import SAMPLE_PAPERS
from korscideberta.tokenization.train import train_tokenizer
from korscideberta.training.finetune import ModelChoice, Source, fine_tune
from korscideberta.training.kinds.sequence import SequenceKind
from korscideberta.training.settings import TARGETS, TrainSettings

PAPERS = tasks.get("papers")
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def papers() -> list[Example]:
    examples = PAPERS.read(SAMPLE_PAPERS, None, None, True)
    assert {len(example.labels) for example in examples} >= {1, 2}
    return examples


def gold_of(papers):
    index_of = {label: index for index, label in enumerate(PAPERS.labels)}
    return [label_indices(example, index_of) for example in papers]


def kind_for(targets, papers):
    kind = SequenceKind.learn(PAPERS, papers, "papers.csv")
    kind.adopt(TrainSettings(targets=targets), papers)
    return kind


def targets_of(papers, targets):
    encoded = [EncodedExample((1, 2), (0, 0), gold) for gold in gold_of(papers)]
    return ClassificationFeatures(encoded, len(PAPERS.labels), targets).batch(range(len(encoded))).targets


def test_targets_of_the_sample_papers(papers):
    found = {targets: targets_of(papers, targets).double().numpy() for targets in TARGETS}
    for row, gold in enumerate(gold_of(papers)):
        share = {targets: found[targets][row] for targets in TARGETS}
        for targets in TARGETS:
            assert set(np.flatnonzero(share[targets])) == set(gold[:1] if targets == "primary" else gold)
        ranked = [Fraction(1, place) for place in range(1, len(gold) + 1)]
        np.testing.assert_allclose(share["rank"][list(gold)], [float(one / sum(ranked)) for one in ranked], rtol=1e-6)
        np.testing.assert_allclose(share["uniform"][list(gold)], 1 / len(gold), rtol=1e-6)
        assert set(share["multi-label"]) == {0.0, 1.0}
    for targets in ("primary", "uniform", "rank"):
        np.testing.assert_allclose(found[targets].sum(axis=1), 1, rtol=1e-6)


def test_losses_of_the_sample_papers(papers):
    gold = gold_of(papers)
    logits_NC = torch.randn(len(papers), len(PAPERS.labels), generator=torch.Generator().manual_seed(3))

    def loss_with(targets):
        encoded = [EncodedExample((1, 2), (0, 0), one) for one in gold]
        batch = ClassificationFeatures(encoded, len(PAPERS.labels), targets).batch(range(len(encoded)))
        objective = kind_for(targets, papers).objective(TrainSettings(targets=targets))
        return float(objective(logits_NC, batch)) / objective.weight(batch)

    # Of a paper the cross-entropy of each of its fields, by torch.
    terms = [
        [float(F.cross_entropy(logits_NC[row], torch.tensor(one))) for one in many] for row, many in enumerate(gold)
    ]
    assert loss_with("primary") == pytest.approx(np.mean([one[0] for one in terms]), rel=1e-5)
    assert loss_with("uniform") == pytest.approx(np.mean([np.mean(one) for one in terms]), rel=1e-5)
    ranked = [np.average(one, weights=1 / np.arange(1, len(one) + 1)) for one in terms]
    assert loss_with("rank") == pytest.approx(np.mean(ranked), rel=1e-5)
    hot_NC = torch.zeros_like(logits_NC)
    for row, many in enumerate(gold):
        hot_NC[row, list(many)] = 1
    assert loss_with("multi-label") == pytest.approx(
        float(F.binary_cross_entropy_with_logits(logits_NC, hot_NC)), rel=1e-5
    )


@pytest.fixture(scope="module")
def start(papers, tmp_path_factory):
    """A table of some of the papers, and a model of two layers of 16 to start from."""
    folder = tmp_path_factory.mktemp("start")
    with SAMPLE_PAPERS.open(encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    several = [row for row in rows if "|" in row[3]][:16] + [row for row in rows if "|" not in row[3]][:8]
    with (folder / "papers.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header[:4], *(row[:4] for row in several)])
    tokenizer = train_tokenizer([row[1] for row in rows], folder / "model", vocab_size=800, engine="none")
    config = STILL.with_changes(vocab_size=len(tokenizer))
    DebertaV2ForSequenceClassification(config).save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    return folder


@pytest.mark.parametrize("targets", TARGETS)
def test_every_way_trains_and_is_evaluated_alike(start, tmp_path, targets):
    source = Source(files={"train": (start / "papers.csv",), "dev": (start / "papers.csv",)})
    choice = ModelChoice(model=str(start / "model"), max_length=16)
    settings = TrainSettings(epochs=2, batch_size=8, learning_rate=1e-2, targets=targets, log_every=1)
    run = RunDirectory(tmp_path / "run")
    figures = fine_tune(PAPERS, source, choice, settings, run, device=CPU)["dev"]
    assert set(figures) == {
        *(f"{majority}{name}" for majority in ("", "majority_")
          for name in ("f1_micro", "f1_macro", "f1_strict", "top1_accuracy", "topk_accuracy", "mrr")),
        "k", "documents",
    }  # fmt: skip
    losses = [line["loss"] for line in map(json.loads, run.journal.read_text().splitlines()) if "loss" in line]
    assert losses[-1] < losses[0]
    assert losses[0] == pytest.approx(math.log(2) if targets == "multi-label" else math.log(33), rel=0.2)
    stored = read_predictions(run.predictions("dev"), PAPERS.labels)
    finished = FinishedRun.load(run.path, device=CPU, precision="float32")
    outputs = finished.outputs(PAPERS.read(start / "papers.csv", None, None, True), 8, None)
    best = np.take_along_axis(finished.kind.shares(outputs), np.argsort(-outputs, axis=1)[:, :3], axis=1)
    np.testing.assert_allclose(best, stored.probabilities, atol=2e-6)
    if targets == "multi-label":
        assert finished.model.config.problem_type == "multi_label_classification"
        np.testing.assert_allclose(finished.kind.shares(outputs), torch.tensor(outputs).sigmoid(), atol=1e-6)
        with pytest.raises(ConfigError, match="--targets multi-label, each label has a probability of its own"):
            scaled(finished, outputs)


def test_what_changes_nothing_is_told_or_refused(papers, caplog):
    alone = [example for example in papers if len(example.labels) == 1]
    kind_for("rank", alone)
    assert "--targets rank changes nothing" in caplog.text
    with pytest.raises(ConfigError, match=r"--label-smoothing 0\.1: has no effect on --targets multi-label"):
        SequenceKind.learn(PAPERS, papers, "").adopt(TrainSettings(targets="multi-label", label_smoothing=0.1), papers)
    with pytest.raises(ConfigError, match="--targets ranks: did you mean 'rank'"):
        TrainSettings(targets="ranks")


def test_a_run_older_than_the_setting_goes_on(start, tmp_path):
    source = Source(files={"train": (start / "papers.csv",), "dev": (start / "papers.csv",)})
    choice = ModelChoice(model=str(start / "model"), max_length=16)
    settings = TrainSettings(epochs=1, batch_size=8)
    run = RunDirectory(tmp_path / "run")
    fine_tune(PAPERS, source, choice, settings, run, device=CPU)
    record = json.loads(run.settings_file.read_text(encoding="utf-8"))
    del record["settings"]["targets"]
    run.settings_file.write_text(json.dumps(record), encoding="utf-8")
    assert fine_tune(PAPERS, source, choice, settings, run, device=CPU, resume=True) == run.read_metrics()
    with pytest.raises(ConfigError, match="targets was 'uniform', now 'primary'"):
        fine_tune(
            PAPERS,
            source,
            choice,
            TrainSettings(epochs=1, batch_size=8, targets="primary"),
            run,
            device=CPU,
            resume=True,
        )
    assert FinishedRun.load(run.path, device=CPU, precision="float32").kind.targets == "uniform"
