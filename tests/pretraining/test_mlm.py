from __future__ import annotations

import json
import os
import signal
from dataclasses import replace

import pytest
import torch
from corpora import settings as corpus_settings
from kills import die_at_call, in_a_fork
from pretraining_runs import SETTINGS, SHAPE, records, run_mlm, shape_file, start

from korscideberta.errors import ConfigError, DataError, KorsciError, ModelError
from korscideberta.model import DebertaV2Config, DebertaV2ForMaskedLM, DebertaV2Model
from korscideberta.pretraining import loop, update
from korscideberta.pretraining.batches import BatchMaker
from korscideberta.pretraining.loop import validation_batches
from korscideberta.pretraining.masking import Masker, Masking, RowRandom
from korscideberta.pretraining.mlm import MaskedLanguageModelling, evaluate_masked_lm
from korscideberta.pretraining.models import CorpusChoice
from korscideberta.pretraining.prepare import prepare_corpus
from korscideberta.pretraining.rows import Rows
from korscideberta.pretraining.runs import train_masked_lm
from korscideberta.pretraining.settings import PretrainSettings
from korscideberta.run import RunDirectory
from korscideberta.tokenization import train_tokenizer
from korscideberta.training.checkpointing import Checkpoints
from korscideberta.training.signals import Interrupted

STILL = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


@pytest.fixture(scope="module")
def shape(tmp_path_factory):
    return shape_file(tmp_path_factory.mktemp("shape"))


@pytest.fixture(scope="module")
def whole(prepared, shape, tmp_path_factory):
    run, figures = run_mlm(tmp_path_factory.mktemp("whole") / "run", prepared, shape)
    return run, figures, (run.model / "model.safetensors").read_bytes()


def test_a_run_leaves_a_model_that_knows_more(whole, prepared, tokenizer):
    run, figures, _ = whole
    model = DebertaV2ForMaskedLM.from_pretrained(run.model)
    maker = BatchMaker(Rows(prepared, "valid", SETTINGS.max_length - 2), tokenizer, Masker(SETTINGS.masking, tokenizer))
    again = evaluate_masked_lm(model, validation_batches(maker, SETTINGS), "float32")
    assert again == pytest.approx(figures)
    torch.manual_seed(0)
    fresh = DebertaV2ForMaskedLM(model.config)
    assert evaluate_masked_lm(fresh, validation_batches(maker, SETTINGS), "float32")["loss"] > figures["loss"] + 0.3
    assert json.loads(run.metrics.read_text()) == {"dev": figures}
    assert [line["step"] for line in records(run) if "split" in line] == [8, 16]
    assert (run.model / "spm.model").is_file()
    assert DebertaV2Model.from_pretrained(run.model).load_report.newly_initialised == ()


def test_figures_are_those_of_the_whole_set(prepared, tokenizer):
    """Loss and accuracy over batches are those over all masked tokens at once, computed from plain logits."""
    torch.manual_seed(0)
    model = DebertaV2ForMaskedLM(DebertaV2Config(vocab_size=len(tokenizer), **SHAPE)).eval()
    maker = BatchMaker(Rows(prepared, "valid", 20), tokenizer, Masker(Masking(), tokenizer))
    options = PretrainSettings(eval_batch_size=3, eval_rows=10)
    figures = evaluate_masked_lm(model, validation_batches(maker, options), "float32")
    whole = maker.make(range(10), RowRandom(options.seed, 2**64 - 1, range(10)))
    with torch.no_grad():
        logits = model(whole.input_ids, starts=whole.starts).logits
    wanted = whole.labels >= 0
    loss = torch.nn.functional.cross_entropy(logits[wanted], whole.labels[wanted])
    assert figures["loss"] == pytest.approx(float(loss), rel=1e-5)
    assert figures["perplexity"] == pytest.approx(float(loss.exp()), rel=1e-5)
    accuracy = (logits[wanted].argmax(-1) == whole.labels[wanted]).float().mean()
    assert figures["accuracy"] == pytest.approx(float(accuracy))


@pytest.mark.parametrize("parts", [2, 6])
def test_parts_of_a_batch_make_the_same_update(parts, prepared, tokenizer):
    weights = []
    for accumulate in (1, parts):
        options = replace(SETTINGS, accumulate=accumulate)
        torch.manual_seed(0)
        model = DebertaV2ForMaskedLM(DebertaV2Config(vocab_size=len(tokenizer), **SHAPE, **STILL))
        learner = MaskedLanguageModelling(model, options, [], lambda: None)
        maker = BatchMaker(Rows(prepared, "train", 22), tokenizer, Masker(Masking(), tokenizer))
        batches_of = loop.update_batches(maker, options, torch.device("cpu"))
        assert len(batches_of(0)) == accumulate
        weights.append([learner.update(batches_of(step), 1.0) for step in range(3)])
        weights[-1] += [parameter.detach() for parameter in model.parameters()]
    for one, other in zip(*weights, strict=True):
        torch.testing.assert_close(one, other, atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize(
    "options", [{"rows": "documents"}, {"mask_unit": "morph", "max_ngram": 1}, {"precision": "bf16"}]
)
def test_variants_learn(options, prepared, shape, tmp_path):
    _, figures = run_mlm(tmp_path / "run", prepared, shape, settings=replace(SETTINGS, **options))
    assert figures["loss"] < 5.0


POINTS = {
    "an update": (update.nn.utils, "clip_grad_norm_", 8),
    "a model": (DebertaV2ForMaskedLM, "save_pretrained", 2),
    "a checkpoint": (Checkpoints, "save", 4),
    "the last checkpoint": (Checkpoints, "save", 6),
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_killed_at(point, whole, prepared, shape, tmp_path):
    def killed():
        die_at_call(*point, after=True)
        run_mlm(tmp_path / "run", prepared, shape)

    assert in_a_fork(killed) == signal.SIGKILL
    run, figures = run_mlm(tmp_path / "run", prepared, shape, resume=True)
    assert figures == whole[1]
    assert records(run) == records(whole[0])
    assert (run.model / "model.safetensors").read_bytes() == whole[2]
    assert run_mlm(tmp_path / "run", prepared, shape, resume=True)[1] == figures


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_one_process_writes_to_a_run(prepared, shape, tmp_path):
    def second():
        try:
            run_mlm(tmp_path / "run", prepared, shape)
        except ConfigError as error:
            return 7 if f"another process writes to it (process {os.getppid()} on" in str(error) else 1
        return 2

    with RunDirectory(tmp_path / "run").held():
        assert in_a_fork(second) == -7


def test_the_end_of_the_time(whole, prepared, shape, tmp_path):
    with pytest.raises(Interrupted, match="stopped after step 1"):
        run_mlm(tmp_path / "run", prepared, shape, max_hours=1e-9)
    run, figures = run_mlm(tmp_path / "run", prepared, shape, resume=True)
    assert figures == whole[1]
    assert (run.model / "model.safetensors").read_bytes() == whole[2]


def test_going_on_with_texts_of_ones_own(whole, lines, tmp_path):
    """A finished model goes on, on files that are prepared for it."""
    (tmp_path / "mine.txt").write_text("\n".join(lines[:90]), encoding="utf-8")
    choice = CorpusChoice(corpus=(str(tmp_path / "mine.txt"),))
    run = RunDirectory(tmp_path / "run")
    options = replace(SETTINGS, max_steps=3, warmup=0)
    train_masked_lm(choice, str(whole[0].model), options, run, start())
    prepared = (tmp_path / "run.data" / "index.json").stat().st_mtime_ns
    first = records(run)[0]["loss"]
    assert first < records(whole[0])[0]["loss"] - 0.3
    train_masked_lm(choice, str(whole[0].model), options, run, start(overwrite=True))
    assert records(run)[0]["loss"] == first
    assert (tmp_path / "run.data" / "index.json").stat().st_mtime_ns == prepared
    (tmp_path / "mine.txt").write_text("\n".join(lines[:80]), encoding="utf-8")
    with pytest.raises(ConfigError, match="a corpus prepared from other files"):
        train_masked_lm(choice, str(whole[0].model), options, run, start(overwrite=True))


def test_another_tokenizer_is_refused(whole, prepared, shape, tmp_path, lines):
    other = tmp_path / "other"
    train_tokenizer(lines, other, vocab_size=120, character_coverage=1.0)
    with pytest.raises(ModelError, match=r"the corpus .*: made with another tokenizer"):
        train_masked_lm(
            CorpusChoice(data=prepared.folder, tokenizer=str(other)),
            shape,
            SETTINGS,
            RunDirectory(tmp_path / "a"),
            start(),
        )
    theirs = prepare_corpus(
        [tmp_path / "a.txt"] if (tmp_path / "a.txt").write_text("\n".join(lines), encoding="utf-8") else [],
        tmp_path / "data", train_tokenizer(lines, other, vocab_size=120, character_coverage=1.0), corpus_settings(),
    )  # fmt: skip
    with pytest.raises(ModelError, match=r"--model .*: made with another tokenizer"):
        run_mlm(tmp_path / "b", theirs, str(whole[0].model))
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()


def test_a_damaged_corpus_is_refused(corpus_file, tokenizer, shape, tmp_path):
    corpus = prepare_corpus([corpus_file], tmp_path / "data", tokenizer, corpus_settings())
    path = corpus.folder / "train-00000.ids"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"train-00000.ids: damaged"):
        run_mlm(tmp_path / "run", corpus, shape)
    assert not (tmp_path / "run").exists()


def test_what_must_not_change(whole, prepared, shape, tmp_path):
    with pytest.raises(ConfigError, match=r"--resume: not the run begun .*: batch_size was 6, now 8"):
        run_mlm(whole[0].path, prepared, shape, settings=replace(SETTINGS, batch_size=8), resume=True)
    with pytest.raises(ConfigError, match="already exists"):
        run_mlm(whole[0].path, prepared, shape)
    run_mlm(whole[0].path, prepared, shape, settings=replace(SETTINGS, log_every=7), resume=True)


def test_without_text_to_validate_on(corpus_file, tokenizer, shape, tmp_path):
    corpus = prepare_corpus([corpus_file], tmp_path / "data", tokenizer, corpus_settings(valid_share=0.0))
    run, figures = run_mlm(tmp_path / "run", corpus, shape, settings=replace(SETTINGS, max_steps=2))
    assert figures == {}
    assert run.read_metrics() == {"dev": {}}
    assert (run.model / "model.safetensors").is_file()


def test_a_loss_that_is_no_number(prepared, shape, tmp_path):
    with pytest.raises(KorsciError, match=r"at step \d+; lower --learning-rate"):
        run_mlm(
            tmp_path / "run", prepared, shape, settings=replace(SETTINGS, max_steps=60, learning_rate=1e18, warmup=0)
        )


@pytest.mark.parametrize(
    ("choice", "model", "options", "message"),
    [
        ({}, "nano", {}, "give either --data"),
        ({"corpus": ("a.txt",)}, "nano", {}, "name its --tokenizer too"),
        ({"corpus": ("a.txt",)}, "nanno", {}, "did you mean 'nano'"),
        ({"data": True}, "shape", {"max_length": 64}, "has 32 positions"),
        ({"data": True}, "missing.json", {}, "cannot be read as JSON"),
    ],
)
def test_bad_choices(choice, model, options, message, prepared, shape, tmp_path):
    choice = {**choice, **({"data": prepared.folder} if choice.get("data") else {})}
    with pytest.raises(KorsciError, match=message):
        train_masked_lm(
            CorpusChoice(**choice), shape if model == "shape" else model, replace(SETTINGS, **options),
            RunDirectory(tmp_path / "run"), start(),
        )  # fmt: skip
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_steps": 0}, "--max-steps 0: must be above 0"),
        ({"warmup": -1}, "--warmup -1"),
        ({"max_length": 5}, "--max-length 5: too short"),
        ({"accumulate": 9, "batch_size": 8}, "--accumulate 9: more parts"),
        ({"schedule": "linea"}, "did you mean 'linear'"),
        ({"rows": "pack"}, "did you mean 'packed'"),
        ({"mask_share": 2.0}, "--mask-share 2.0"),
        ({"schedule_end": 1.5}, "--schedule-end 1.5"),
    ],
)
def test_impossible_settings(options, message):
    with pytest.raises(ConfigError, match=message):
        PretrainSettings(**options)
