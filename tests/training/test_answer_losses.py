from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from korscideberta.data.batching import pack
from korscideberta.data.choices import ChoiceFeatures
from korscideberta.data.encoding import EncodedExample, encode_examples
from korscideberta.data.examples import Example
from korscideberta.model.heads import DebertaV2ForMultipleChoice, DebertaV2ForQuestionAnswering
from korscideberta.model.presets import preset
from korscideberta.tokenization import train_tokenizer
from korscideberta.training.answer_losses import ChoiceLoss, SpanLoss

WINDOWS = [tuple(range(5, 5 + length)) for length in (7, 3, 11)]


def windows(targets):
    rows = [EncodedExample(ids, (0,) * len(ids), ()) for ids in WINDOWS]
    return pack(rows, torch.tensor(targets))


def test_the_loss_of_spans_is_that_of_the_head():
    torch.manual_seed(0)
    model = DebertaV2ForQuestionAnswering(preset("nano", 40)).eval()
    batch = windows([[2, 4], [0, 0], [1, 10]])
    loss = SpanLoss()
    with torch.no_grad():
        own = model(**batch.inputs, labels=batch.targets)
        assert loss(own.logits, batch) / loss.weight(batch) == pytest.approx(float(own.loss), abs=1e-6)


def test_the_loss_of_spans_adds_up_over_parts():
    torch.manual_seed(1)
    logits = torch.randn(sum(map(len, WINDOWS)), 2, requires_grad=True)
    batch = windows([[2, 4], [0, 0], [1, 10]])
    whole = SpanLoss()(logits, batch)
    whole.backward()
    assert torch.isfinite(logits.grad).all()
    parts, place = 0.0, 0
    for ids, target in zip(WINDOWS, batch.targets, strict=True):
        part = logits[place : place + len(ids)].detach()
        parts += sum(float(F.cross_entropy(part[None, :, i], target[None, i])) for i in range(2)) / 2
        place += len(ids)
    assert float(whole.detach()) == pytest.approx(parts, abs=1e-5)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    texts = ["비가 왔다", "땅이 젖었다", "해가 떴다", "바람이 분다"]
    return train_tokenizer(texts, tmp_path_factory.mktemp("tokenizer"), vocab_size=40, character_coverage=1.0)


def features(tokenizer, golds):
    pairs = [("비가 왔다", "땅이 젖었다"), ("비가 왔다", "해가 떴다"), ("해가 떴다", "비가 왔다")]
    pairs += [("바람이 분다", "해가 떴다"), ("바람이 분다", "땅이 젖었다")]
    examples = [Example(id="1", text=first, text_pair=second) for first, second in pairs]
    filling = EncodedExample((tokenizer.cls_token_id, tokenizer.sep_token_id), (0, 0), ())
    return ChoiceFeatures(encode_examples(examples, tokenizer, None, 16), [3, 2], golds, filling), pairs


def test_batches_of_questions_with_different_numbers_of_answers(tokenizer):
    encoded, pairs = features(tokenizer, [2, 0])
    assert len(encoded) == 2
    rows = [tokenizer(first, second)["input_ids"] for first, second in pairs]
    assert encoded.lengths == [sum(map(len, rows[:3])), sum(map(len, rows[3:]))]
    batch = encoded.batch([1, 0])
    assert len(batch) == 2
    filling = [tokenizer.cls_token_id, tokenizer.sep_token_id]
    in_order = [*rows[3:], filling, *rows[:3]]
    assert batch.input_ids.tolist() == [one for row in in_order for one in row]
    assert batch.targets.tolist() == [[1, 0, -1], [0, 0, 1]]
    assert batch.to(torch.device("cpu")).inputs["answers"] == 3
    alone = encoded.batch([1])
    assert (alone.inputs["answers"], alone.targets.tolist()) == (2, [[1, 0]])
    assert features(tokenizer, None)[0].batch([0]).targets is None


def test_missing_answers_have_no_part_in_the_loss(tokenizer):
    """The questions of a batch together lose what each loses by itself, by the head's own loss."""
    torch.manual_seed(0)
    model = DebertaV2ForMultipleChoice(preset("nano", len(tokenizer))).eval()
    encoded, _ = features(tokenizer, [2, 0])
    loss = ChoiceLoss()
    with torch.no_grad():
        batch = encoded.batch([0, 1])
        together = loss(model(**batch.inputs).logits, batch)
        own = [model(**encoded.batch([i]).inputs, labels=torch.tensor([gold])).loss for i, gold in ((0, 2), (1, 0))]
    assert loss.weight(batch) == 2
    assert float(together) == pytest.approx(float(sum(own)), abs=1e-5)
