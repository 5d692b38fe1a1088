from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from korscideberta import tasks
from korscideberta.data.batching import Batch
from korscideberta.data.tagged import TaggedText
from korscideberta.data.token_features import IGNORED, Pieces
from korscideberta.errors import ModelError
from korscideberta.training.kinds.tokens import Found, TokenKind, decode, unreachable
from korscideberta.training.losses import TokenCrossEntropy

LABELS = ("O", "B-LC", "I-LC", "B-PS", "I-PS")


def certain(*tags):
    """Logits (P, C) that are sure of these tags."""
    return np.array([[20.0 if label == tag else 0.0 for label in LABELS] for tag in tags], dtype=np.float32)


def spans(found):
    return [one.entity for one in found]


def test_an_entity_reaches_from_its_first_piece_to_its_last():
    pieces = Pieces([5, 6, 7, 8], [(0, 2), (2, 3), (4, 6), (6, 8)])
    assert spans(decode(pieces, certain("B-PS", "I-PS", "I-PS", "O"), LABELS)) == [(0, 6, "PS")]
    assert spans(decode(pieces, certain("B-PS", "B-PS", "O", "B-LC"), LABELS)) == [
        (0, 2, "PS"), (2, 3, "PS"), (6, 8, "LC"),
    ]  # fmt: skip


def test_a_tag_that_continues_nothing_begins_an_entity():
    pieces = Pieces([5, 6, 7], [(0, 2), (2, 3), (3, 5)])
    assert spans(decode(pieces, certain("I-PS", "I-LC", "I-LC"), LABELS)) == [(0, 2, "PS"), (2, 5, "LC")]


def test_pieces_that_speak_for_nothing_have_no_say():
    pieces = Pieces([5, 6, 7], [(0, 2), (0, 0), (3, 5)])
    assert spans(decode(pieces, certain("B-PS", "B-LC", "I-PS"), LABELS)) == [(0, 5, "PS")]
    assert decode(Pieces([], []), certain()[:0].reshape(0, 5), LABELS) == []


def test_an_entity_is_as_likely_as_its_pieces_on_average():
    logits = np.log(np.array([[0.1, 0.6, 0.1, 0.1, 0.1], [0.05, 0.05, 0.8, 0.05, 0.05]], dtype=np.float32))
    (found,) = decode(Pieces([5, 6], [(0, 1), (1, 2)]), logits, LABELS)
    assert found.probability == pytest.approx(0.7)


def test_entities_that_share_a_piece_with_what_stands_beside_them_are_counted():
    gold = [(0, 2, "PS"), (3, 5, "LC")]
    assert unreachable(Pieces([1, 2, 3], [(0, 2), (2, 3), (3, 5)]), gold) == 0
    assert unreachable(Pieces([1, 2], [(0, 3), (3, 5)]), gold) == 1
    assert unreachable(Pieces([1, 2], [(0, 2), (2, 5)]), gold) == 1


def test_stored_predictions_give_the_figures_again(tmp_path):
    kind = TokenKind(tasks.get("klue-ner"), tasks.get("klue-ner").labels, "character")
    texts = [
        TaggedText(id="1", text="김 박사는 서울에", entities=((0, 4, "PS"), (6, 8, "LC"))),
        TaggedText(id="2", text="부산", entities=((0, 2, "LC"),)),
        TaggedText(id="3", text="없다"),
    ]
    outputs = [[Found(0, 4, "PS", 0.9), Found(6, 9, "LC", 0.8)], [Found(0, 2, "LC", 0.7)], []]
    path = tmp_path / "predictions-dev.jsonl"
    kind.write(path, texts, kind.predictions(texts, outputs, 1), labelled=True)
    figures = kind.figures(texts, outputs, 1)
    again = kind.stored(path).score(np.arange(3))
    assert again == {name: figures[name] for name in again}
    assert figures["f1_micro"] == pytest.approx(2 / 3)
    assert kind.stored(path).score(np.array([1, 1]))["f1_micro"] == 1
    row = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
    assert row["gold"][1] == {"start": 6, "end": 8, "label": "LC", "text": "서울"}
    path.write_text('{"id": "1"}\n', encoding="utf-8")
    with pytest.raises(ModelError, match="not the predictions of this run"):
        kind.stored(path)


def test_figures_of_finding_nothing_stand_beside_the_tagger():
    task = tasks.get("klue-ner")
    kind = TokenKind(task, task.labels, "character")
    text = TaggedText(id="1", text="서울", entities=((0, 2, "LC"),))
    figures = kind.figures([text], [[]], 1)
    assert {name for name in figures if f"majority_{name}" in figures} == set(figures) - {"documents"} - {
        name for name in figures if name.startswith("majority_")
    }
    assert (figures["entity_f1"], figures["character_f1_named"], figures["f1_LC"]) == (0, 0, 0)


def test_the_loss_is_over_tokens_with_a_label():
    logits_TC = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    target_T = torch.tensor([IGNORED, 2, IGNORED, 0, 1, IGNORED])
    batch = Batch(torch.zeros(6), torch.zeros(6), torch.tensor([0]), target_T)
    objective = TokenCrossEntropy()
    expected = F.cross_entropy(logits_TC, target_T, ignore_index=IGNORED)
    assert objective(logits_TC, batch) / objective.weight(batch) == pytest.approx(float(expected))
    nothing = Batch(torch.zeros(6), torch.zeros(6), torch.tensor([0]), torch.full((6,), IGNORED))
    assert float(objective(logits_TC, nothing)) / objective.weight(nothing) == 0
