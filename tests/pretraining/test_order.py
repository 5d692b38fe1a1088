from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from corpora import settings as corpus_settings
from pretraining_runs import SETTINGS, SHAPE, records, run_mlm, shape_file

from korscideberta.model import DebertaV2Config, DebertaV2ForMaskedLM, DebertaV2ForSequenceClassification
from korscideberta.pretraining.batches import BatchMaker
from korscideberta.pretraining.flags import DOCUMENT, SENTENCE
from korscideberta.pretraining.masking import Masker, Masking, RowRandom
from korscideberta.pretraining.mlm import masked_loss
from korscideberta.pretraining.order import OrderedLanguageModelling, OrderedMaskedLM
from korscideberta.pretraining.prepare import prepare_corpus
from korscideberta.pretraining.rows import Rows
from korscideberta.training.signals import Interrupted

STILL = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


@pytest.fixture(scope="module")
def stories(lines, tokenizer, tmp_path_factory):
    """Documents of several sentences."""
    folder = tmp_path_factory.mktemp("stories")
    texts = ["\n".join(lines[start : start + 5]) for start in range(0, len(lines), 5)]
    (folder / "a.txt").write_text("\n\n".join(texts), encoding="utf-8")
    return prepare_corpus([folder / "a.txt"], folder / "data", tokenizer, corpus_settings(document="blank"))


def maker_of(corpus, tokenizer, layout="packed"):
    return BatchMaker(Rows(corpus, "train", 29, layout), tokenizer, Masker(Masking(), tokenizer), segments=True)


@pytest.mark.parametrize("layout", ["packed", "documents"])
def test_segments_meet_where_a_sentence_begins(stories, tokenizer, layout):
    maker = maker_of(stories, tokenizer, layout)
    count = len(maker.rows)
    batch = maker.make(range(count), RowRandom(3, 0, range(count)))
    original = batch.input_ids.where(batch.labels < 0, batch.labels).tolist()
    starts = [*batch.starts.tolist(), len(batch)]
    orders = batch.orders.tolist()
    assert batch.ordered == sum(order >= 0 for order in orders)
    assert 0.3 < sum(order == 1 for order in orders) / batch.ordered < 0.7
    for index, order in enumerate(orders):
        tokens, row = original[starts[index] : starts[index + 1]], maker.rows[index]
        inner = tokens[1:-1]
        assert (tokens[0], tokens[-1]) == (tokenizer.cls_token_id, tokenizer.sep_token_id)
        sentences = np.flatnonzero((row.flags[1:] & (SENTENCE | DOCUMENT)) == SENTENCE) + 1
        if order < 0:
            assert inner == row.ids.tolist()
            assert not len(sentences)
            continue
        place = inner.index(tokenizer.sep_token_id)
        first, second = inner[:place], inner[place + 1 :]
        first, second = (second, first) if order else (first, second)
        assert first + second == row.ids.tolist()
        assert len(first) in sentences


def test_both_losses_in_one_pass(stories, tokenizer):
    """What one pass gives is what each head gives alone."""
    torch.manual_seed(0)
    masked_lm = DebertaV2ForMaskedLM(DebertaV2Config(vocab_size=len(tokenizer), **SHAPE, **STILL))
    model = OrderedMaskedLM(masked_lm).eval()
    batch = maker_of(stories, tokenizer).make(range(6), RowRandom(0, 0, range(6)))
    loss, logits = model(batch)
    torch.testing.assert_close(loss, masked_loss(masked_lm, batch))
    torch.testing.assert_close(logits, model.order(batch.input_ids, starts=batch.starts).logits)
    torch.testing.assert_close(logits, model.orders(batch))


def test_it_learns_the_order(tokenizer, stories):
    torch.manual_seed(0)
    model = OrderedMaskedLM(DebertaV2ForMaskedLM(DebertaV2Config(vocab_size=len(tokenizer), **SHAPE, **STILL)))
    batch = maker_of(stories, tokenizer).make(range(8), RowRandom(0, 0, range(8)))
    options = replace(SETTINGS, sentence_order=1.0, learning_rate=5e-3)
    learner = OrderedLanguageModelling(model, options, [batch], lambda: None)
    for _ in range(40):
        learner.update([batch], 1.0)
    assert learner.evaluate()["order_accuracy"] > 0.9


def test_a_run(stories, tmp_path):
    shape = shape_file(tmp_path / "shape")
    options = replace(SETTINGS, max_steps=6, eval_every=3, sentence_order=0.5)
    whole, figures = run_mlm(tmp_path / "whole", stories, shape, settings=options)
    assert {"perplexity", "order_accuracy"} <= set(figures)
    order = DebertaV2ForSequenceClassification.from_pretrained(whole.path / "sentence_order")
    assert order.config.id2label == ("in order", "changed places")
    assert order.load_report.newly_initialised == ()
    assert DebertaV2ForMaskedLM.from_pretrained(whole.model).load_report.newly_initialised == ()
    assert json.loads(whole.metrics.read_text())["dev"] == figures
    with pytest.raises(Interrupted):
        run_mlm(tmp_path / "run", stories, shape, settings=options, max_hours=1e-9)
    run, again = run_mlm(tmp_path / "run", stories, shape, settings=options, resume=True)
    assert again == figures
    assert records(run) == records(whole)
