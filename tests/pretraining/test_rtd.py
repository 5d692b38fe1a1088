from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from kills import die_at_call, in_a_fork
from pretraining_runs import SETTINGS, SHAPE, pair_file, records, shape_file, start
from safetensors.torch import load_file

from korscideberta.errors import ConfigError, DataError
from korscideberta.model import DebertaV2Config, DebertaV2ForMaskedLM, DebertaV2ForReplacedTokenDetection
from korscideberta.model.checkpoints import load_weights
from korscideberta.pretraining import rtd, update
from korscideberta.pretraining.batches import MaskedBatch
from korscideberta.pretraining.models import CorpusChoice, recorded_sharing
from korscideberta.pretraining.rtd import (
    DetectionSettings,
    GeneratorAndDiscriminator,
    ReplacedTokenDetection,
    draw,
    replaced,
)
from korscideberta.pretraining.runs import PairChoice, train_detection
from korscideberta.run import RunDirectory

GOLDEN = Path(__file__).parents[1] / "fixtures" / "golden"
WORDS = "deberta.embeddings.word.weight"
POSITIONS = "deberta.embeddings.position.weight"
CONFIG = DebertaV2Config(
    vocab_size=60, **SHAPE, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, position_biased_input=True
)


def golden_model(model_class, part):
    config = DebertaV2Config.from_dict(json.loads((GOLDEN / "v3_korsci.config.json").read_text()))
    stored = load_file(GOLDEN / "v3_korsci.weights.safetensors")
    model = model_class(config).eval()
    weights = {name.removeprefix(f"{part}/"): tensor for name, tensor in stored.items() if name.startswith(f"{part}/")}
    load_weights(model, weights, source=part)
    return model


def golden_batch():
    case = load_file(GOLDEN / "v3_korsci.case.safetensors")
    mask = case["attention_mask"].bool()
    labels = case["mlm_labels"].long()
    labels = labels.masked_fill(labels == 0, -100)[mask]
    lengths = mask.sum(1)
    batch = MaskedBatch(
        input_ids=case["input_ids"].long()[mask],
        starts=lengths.cumsum(0) - lengths,
        labels=labels,
        predictions=int((labels >= 0).sum()),
    )
    return case, mask, batch


@pytest.mark.parametrize("sharing", ["none", "gdes"])
def test_losses_are_those_of_the_original(sharing, monkeypatch):
    """Generator and discriminator of the golden files, the golden replacements drawn: the original's two losses."""
    case, mask, batch = golden_batch()
    generator = golden_model(DebertaV2ForMaskedLM, "mlm")
    pair = GeneratorAndDiscriminator(
        generator, golden_model(DebertaV2ForReplacedTokenDetection, "rtd"), sharing, fresh=False
    ).eval()
    ids = case["rtd.input_ids"].long()[mask]
    monkeypatch.setattr(rtd, "draw", lambda *_: ids[batch.labels >= 0])
    learner = ReplacedTokenDetection(pair, SETTINGS, DetectionSettings(sharing=sharing), [], lambda: None)
    pair.eval()
    loss, filled = learner._fill(batch)
    torch.testing.assert_close(loss, case["mlm.loss_per_masked"].mean(), atol=2e-5, rtol=0)
    assert filled.input_ids.tolist() == ids.tolist()
    assert filled.labels.tolist() == case["rtd.labels_flat"].long().tolist()
    logits, loss = pair.detect(filled.input_ids, filled.starts, filled.labels)
    torch.testing.assert_close(loss, case["rtd.loss_flat"].mean(), atol=2e-5, rtol=0)
    torch.testing.assert_close(logits, case["rtd.logits"][mask], atol=2e-5, rtol=0)


def test_pieces_are_drawn_by_their_chances():
    logits = torch.tensor([[0.0, 1.0, 2.0]]).repeat(20000, 1)
    random = torch.Generator().manual_seed(0)
    for temperature in (1.0, 0.5):
        shares = torch.bincount(draw(logits, temperature, random), minlength=3) / 20000
        torch.testing.assert_close(shares, torch.softmax(logits[0] / temperature, -1), atol=0.02, rtol=0)
    assert draw(logits[:0]).shape == (0,)


def test_a_right_guess_is_no_replacement():
    labels = torch.tensor([-100, 7, 8, -100])
    assert replaced(torch.tensor([5, 7, 9, 6]), labels).tolist() == [0, 0, 1, 0]


def pair_of(sharing, *, fresh=True, config=CONFIG):
    torch.manual_seed(0)
    generator = DebertaV2ForMaskedLM(config.with_changes(num_hidden_layers=1))
    return GeneratorAndDiscriminator(generator, DebertaV2ForReplacedTokenDetection(config), sharing, fresh=fresh)


def some_batch(count=4, length=12, seed=0):
    random = torch.Generator().manual_seed(seed)
    ids = torch.randint(5, 60, (count * length,), generator=random)
    wanted = torch.rand(count * length, generator=random) < 0.3
    return MaskedBatch(
        input_ids=ids.masked_fill(wanted, 4),
        starts=torch.arange(count) * length,
        labels=torch.where(wanted, ids, -100),
        predictions=int(wanted.sum()),
    )


def grads(pair, sharing):
    """Gradients of the discriminator's loss alone."""
    batch = some_batch()
    loss = pair.detect(batch.input_ids, batch.starts, (batch.labels >= 0).long())[1]
    loss.backward()
    return pair.generator.deberta.embeddings.word.weight.grad, pair.discriminator.deberta.embeddings.word.weight.grad


def test_whose_embeddings_learn_from_the_discriminator():
    theirs, mine = grads(pair_of("none"), "none")
    assert theirs is None
    assert mine.abs().sum() > 0
    theirs, mine = grads(pair_of("gdes"), "gdes")
    assert theirs is None
    assert mine.abs().sum() > 0
    theirs, mine = grads(pair_of("es"), "es")
    assert theirs.abs().sum() > 0
    assert mine is None


def test_shared_tables_begin_and_stay_together():
    for sharing in ("gdes", "es"):
        pair = pair_of(sharing)
        for name, table in pair.tables().items():
            torch.testing.assert_close(table, dict(pair.generator.named_parameters())[name])
        assert set(pair.tables()) == {WORDS, POSITIONS}
    torch.manual_seed(0)
    DebertaV2ForMaskedLM(CONFIG.with_changes(num_hidden_layers=1))
    known = DebertaV2ForReplacedTokenDetection(CONFIG).state_dict()[WORDS]
    torch.testing.assert_close(pair_of("gdes", fresh=False).tables()[WORDS], known)
    assert pair_of("none").tables() == {}


def test_what_is_saved_is_complete(tmp_path):
    pair = pair_of("gdes").eval()
    with torch.no_grad():
        pair.discriminator.deberta.embeddings.word.weight.normal_()
    before = pair.discriminator.state_dict()[WORDS].clone()
    pair.save_discriminator(lambda: pair.discriminator.save_pretrained(tmp_path))
    assert torch.equal(pair.discriminator.state_dict()[WORDS], before)
    batch = some_batch()
    saved = DebertaV2ForReplacedTokenDetection.from_pretrained(tmp_path)
    expected = pair.detect(batch.input_ids, batch.starts)[0]
    torch.testing.assert_close(saved(batch.input_ids, starts=batch.starts).logits, expected)


@pytest.mark.parametrize("decoupled", [True, False])
def test_parts_of_a_batch_make_the_same_update(decoupled, monkeypatch):
    monkeypatch.setattr(rtd, "draw", lambda logits, *_: logits.argmax(-1))
    whole = some_batch()
    halves = [
        MaskedBatch(
            input_ids=whole.input_ids[part], starts=torch.tensor([0, 12]), labels=whole.labels[part],
            predictions=int((whole.labels[part] >= 0).sum()),
        )
        for part in (slice(0, 24), slice(24, 48))
    ]  # fmt: skip
    results = []
    for batches in ([whole], halves):
        pair = pair_of("gdes")
        learner = ReplacedTokenDetection(pair, SETTINGS, DetectionSettings(decoupled=decoupled), [], lambda: None)
        losses = [learner.update(batches, 1.0) for _ in range(2)]
        results.append([torch.tensor(losses), *(parameter.detach() for parameter in pair.parameters())])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, atol=2e-3, rtol=1e-3)


def test_decoupled_and_joint_updates_differ_in_who_steps():
    """A joint update clips both models' gradients as one vector; decoupled ones each have their own rate."""
    pair = pair_of("gdes")
    slow = DetectionSettings(discriminator_learning_rate=1e-9)
    before = [parameter.detach().clone() for parameter in pair.discriminator.parameters()]
    moved = [parameter.detach().clone() for parameter in pair.generator.parameters()]
    ReplacedTokenDetection(pair, SETTINGS, slow, [], lambda: None).update([some_batch()], 1.0)
    for parameter, old in zip(pair.discriminator.parameters(), before, strict=True):
        torch.testing.assert_close(parameter, old, atol=1e-7, rtol=0)
    assert any((parameter != old).any() for parameter, old in zip(pair.generator.parameters(), moved, strict=True))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sharing": "gdess"}, "did you mean 'gdes'"),
        ({"rtd_weight": 0.0}, "--rtd-weight 0.0"),
        ({"temperature": 0.0}, "--temperature 0.0"),
        ({"sharing": "es"}, "add --joint"),
        ({"discriminator_learning_rate": 0.0}, "--discriminator-learning-rate 0.0"),
        ({"discriminator_learning_rate": 0.1, "decoupled": False}, "goes with decoupled"),
    ],
)
def test_impossible_settings(options, message):
    with pytest.raises(ConfigError, match=message):
        DetectionSettings(**options)


def test_tables_of_different_sizes():
    torch.manual_seed(0)
    generator = DebertaV2ForMaskedLM(CONFIG.with_changes(hidden_size=8))
    with pytest.raises(ConfigError, match=r"--sharing gdes: the generator's .* \(60, 8\), .* \(60, 16\)"):
        GeneratorAndDiscriminator(generator, DebertaV2ForReplacedTokenDetection(CONFIG), "gdes", fresh=True)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return pair_file(tmp_path_factory.mktemp("pair"))


def run_rtd(folder, corpus, models, *, settings=SETTINGS, detection=None, **options):
    run = RunDirectory(folder)
    detection = detection or DetectionSettings()
    figures = train_detection(CorpusChoice(data=corpus.folder), models, settings, detection, run, start(**options))
    return run, figures


@pytest.fixture(scope="module")
def whole(prepared, pair, tmp_path_factory):
    return run_rtd(tmp_path_factory.mktemp("whole") / "run", prepared, PairChoice(model=pair))


def files(run):
    return [(run.path / part / "model.safetensors").read_bytes() for part in ("model", "generator")]


def test_a_run_leaves_both_models(whole):
    run, figures = whole
    assert figures["generator_loss"] < 5.0
    assert {"loss", "accuracy", "precision", "recall", "generator_accuracy"} <= set(figures)
    discriminator = DebertaV2ForReplacedTokenDetection.from_pretrained(run.model)
    generator = DebertaV2ForMaskedLM.from_pretrained(run.path / "generator")
    assert discriminator.load_report.newly_initialised == generator.load_report.newly_initialised == ()
    assert (discriminator.config.num_hidden_layers, generator.config.num_hidden_layers) == (2, 1)
    assert (run.path / "generator" / "spm.model").is_file()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("clips", [13, 20])
def test_killed_in_the_middle_of_an_update(clips, whole, prepared, pair, tmp_path):
    """Between the generator's step and the discriminator's, and after both."""

    def killed():
        die_at_call(update.nn.utils, "clip_grad_norm_", clips, after=True)
        run_rtd(tmp_path / "run", prepared, PairChoice(model=pair))

    assert in_a_fork(killed) == signal.SIGKILL
    run, figures = run_rtd(tmp_path / "run", prepared, PairChoice(model=pair), resume=True)
    assert figures == whole[1]
    assert records(run) == records(whole[0])
    assert files(run) == files(whole[0])


def test_going_on_with_both(whole, prepared, tmp_path):
    models = PairChoice(generator=str(whole[0].path / "generator"), discriminator=str(whole[0].model))
    run, _ = run_rtd(tmp_path / "run", prepared, models, settings=replace(SETTINGS, max_steps=1, learning_rate=1e-12))
    for part in ("model", "generator"):
        before, after = (load_file(path / part / "model.safetensors") for path in (whole[0].path, run.path))
        for name in before:
            torch.testing.assert_close(after[name], before[name], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    "detection",
    [DetectionSettings(sharing="es", decoupled=False), DetectionSettings(sharing="none", rtd_weight=50.0)],
    ids=lambda detection: detection.sharing,
)
def test_other_ways_of_sharing(detection, prepared, pair, tmp_path):
    settings = replace(SETTINGS, max_steps=3, accumulate=2)
    run, figures = run_rtd(tmp_path / "run", prepared, PairChoice(model=pair), settings=settings, detection=detection)
    assert figures["loss"] > 0
    words = [
        load_file(run.path / part / "model.safetensors")["deberta.embeddings.word_embeddings.weight"]
        for part in ("model", "generator")
    ]
    assert torch.equal(*words) == (detection.sharing == "es")


def test_named_shapes_have_generators_of_half_the_depth(prepared, tmp_path):
    settings = replace(SETTINGS, max_steps=1, batch_size=2)
    run, _ = run_rtd(tmp_path / "run", prepared, PairChoice(model="nano"), settings=settings)
    depths = [
        json.loads((run.path / part / "config.json").read_text())["num_hidden_layers"]
        for part in ("model", "generator")
    ]
    assert depths == [3, 1]


def test_sharing_in_a_file(pair, tmp_path):
    assert recorded_sharing("nano") == recorded_sharing(pair) == "gdes"
    (tmp_path / "a.json").write_text('{"embedding_sharing": "NES"}')
    assert recorded_sharing(str(tmp_path / "a.json")) == "none"


def test_a_file_of_one_model(prepared, tmp_path):
    with pytest.raises(DataError, match="has no object 'generator'"):
        run_rtd(tmp_path / "run", prepared, PairChoice(model=shape_file(tmp_path / "shape")))
