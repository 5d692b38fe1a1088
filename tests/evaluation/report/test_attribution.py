from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from korscideberta.evaluation.report.attribution import Word, token_scores, word_scores
from korscideberta.evaluation.report.sections.texts import length_bins, marked
from korscideberta.model.config import DebertaV2Config
from korscideberta.model.heads import DebertaV2ForSequenceClassification


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    config = DebertaV2Config(
        vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        position_buckets=8, max_position_embeddings=32, initializer_range=0.3,
    ).with_labels(("a", "b", "c"))  # fmt: skip
    return DebertaV2ForSequenceClassification(config).train()


def test_scores_are_the_slopes_of_the_lead_when_a_token_is_stretched(model):
    ids, kinds = [1, 7, 9, 11, 7, 2], [0] * 6
    found = token_scores(model, ids, kinds, 2, 0)
    assert model.training
    model.eval().double()
    step, factor = 1e-5, torch.ones(6, 1, dtype=torch.float64)
    handle = model.deberta.embeddings.register_forward_hook(lambda module, inputs, output: output * factor)

    def lead() -> float:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids]), token_type_ids=torch.tensor([kinds])).logits[0]
        return float(logits[2] - logits[0])

    expected = []
    for place in range(6):
        ends = []
        for sign in (1, -1):
            factor = torch.ones(6, 1, dtype=torch.float64)
            factor[place] += sign * step
            ends.append(lead())
        expected.append((ends[0] - ends[1]) / (2 * step))
    handle.remove()
    model.float().train()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
    assert np.abs(found).max() > 1e-3


def test_a_word_has_the_sum_of_its_tokens():
    text = "하나 둘셋\n넷"
    offsets = [(0, 0), (0, 1), (1, 2), (3, 4), (4, 5), (6, 7), (0, 0)]
    found = word_scores(text, offsets, [9, 1, 2, 3, -5, 0.5, 9])
    assert [(text[word.start : word.end], word.score) for word in found] == [("하나", 3), ("둘셋", -2), ("넷", 0.5)]
    assert word_scores("   ", [(0, 0)], [1.0]) == []


def test_the_strongest_words_are_marked_by_side_and_strength():
    text = "<b>강한 약한 반대 없음"
    scored = [Word(0, 5, 1.0), Word(6, 8, 0.1), Word(9, 11, -0.9), Word(12, 14, 0.0)]
    assert marked(text, scored) == (
        '<mark class="for w3" title="+50.0%">&lt;b&gt;강한</mark> <mark class="for w1" title="+5.0%">약한</mark> '
        '<mark class="against w3" title="-45.0%">반대</mark> 없음'
    )


@given(st.text(), st.integers(0, 2000))
def test_long_texts_are_cut(text, repeat):
    shown = marked(text * repeat, ())
    assert len(shown) <= 701 * len("&quot;")


def test_marks_beyond_the_cut_are_left_out():
    text = "가 " * 600
    scored = [Word(0, 1, 1.0), Word(1000, 1001, 2.0)]
    shown = marked(text, scored)
    assert shown.count("<mark") == 1
    assert shown.endswith("…")


@given(st.lists(st.integers(1, 40), min_size=1, max_size=80), st.integers(1, 8))
def test_length_bins_hold_every_document_once_in_order(lengths, count):
    lengths = np.array(lengths)
    found = length_bins(lengths, count)
    assert len(found) <= count
    assert sorted(np.concatenate(found).tolist()) == list(range(len(lengths)))
    for before, after in pairwise(found):
        assert lengths[before].max() < lengths[after].min()
