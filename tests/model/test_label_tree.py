from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from korscideberta.errors import ConfigError
from korscideberta.model import DebertaV2Config, DebertaV2ForSequenceClassification
from korscideberta.model.label_tree import TOP, LabelTree


@st.composite
def trees(draw):
    """Parents of labels in three levels, some of which end early."""
    above = [TOP] * draw(st.integers(1, 4))
    first, last = 0, len(above)
    for _ in range(2):
        for parent in range(first, last):
            above += [parent] * draw(st.integers(0, 3))
        first, last = last, len(above)
    return above


def explicit(parents, logits_BA):
    """Log-probabilities (B, A) of all labels: of each the one above it, and its share among its siblings."""
    found = torch.zeros_like(logits_BA)
    for parent in dict.fromkeys(parents):
        siblings = [place for place, above in enumerate(parents) if above == parent]
        found[:, siblings] = F.log_softmax(logits_BA[:, siblings], dim=1)
    columns = []
    for place, parent in enumerate(parents):
        columns.append(found[:, place] + (columns[parent] if parent != TOP else 0))
    return torch.stack(columns, dim=1)


@settings(max_examples=20, deadline=None)
@given(trees(), st.integers(0, 2**16))
def test_a_label_has_a_share_of_the_one_above_it(parents, seed):
    tree = LabelTree(parents)
    logits = 30 * torch.randn(3, len(parents), generator=torch.Generator().manual_seed(seed))
    own, other = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    log_p, wanted = tree.log_probabilities(own), explicit(parents, other)
    torch.testing.assert_close(log_p, wanted[:, tree.lowest], rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(log_p.exp().sum(dim=1), torch.ones(3))
    for place in range(len(parents)):
        below = [column for column, path in enumerate(tree.paths) if place in path]
        torch.testing.assert_close(log_p[:, below].exp().sum(dim=1), wanted[:, place].exp(), rtol=1e-4, atol=1e-6)
    weights = torch.randn(log_p.shape, generator=torch.Generator().manual_seed(seed + 1))
    (log_p * weights).sum().backward()
    (wanted[:, tree.lowest] * weights).sum().backward()
    torch.testing.assert_close(own.grad, other.grad, rtol=1e-4, atol=1e-4)


def test_one_level_is_the_ordinary_softmax():
    logits = torch.tensor([[1.0, -300.0, 2.0, 1000.0]])
    torch.testing.assert_close(LabelTree([TOP] * 4).log_probabilities(logits), F.log_softmax(logits, dim=1))


def test_lowest_labels_come_in_the_order_asked_for():
    parents = [TOP, TOP, 0, 0, 1]
    logits = torch.randn(2, 5)
    torch.testing.assert_close(
        LabelTree(parents, [4, 2, 3]).log_probabilities(logits),
        LabelTree(parents).log_probabilities(logits)[:, [2, 0, 1]],
    )


SMALL = DebertaV2Config(
    vocab_size=20, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
    max_position_embeddings=32, position_buckets=8, id2label=("LA", "NA", "LA01", "LA02"),
)  # fmt: skip


def test_a_model_keeps_its_levels_and_names_paths(tmp_path):
    model = DebertaV2ForSequenceClassification(SMALL.with_changes(label_parents=(TOP, TOP, 0, 0)))
    model.save_pretrained(tmp_path)
    again = DebertaV2ForSequenceClassification.from_pretrained(tmp_path)
    assert again.config.label_parents == (TOP, TOP, 0, 0)
    assert again.label_path(torch.tensor([2.0, 0.0, 0.0, 3.0])) == ["LA", "LA02"]
    assert again.label_path(torch.tensor([0.5, 0.0, 0.0, 0.0])) == ["NA"]  # the one above it is no lowest label
    assert again.config.with_labels(["a", "b"]).label_parents is None
    assert "label_parents" not in SMALL.to_dict()  # as files of models with one level always were
    with pytest.raises(ConfigError, match="the labels of this model have one level"):
        DebertaV2ForSequenceClassification(SMALL).label_path(torch.zeros(4))


@pytest.mark.parametrize(
    ("parents", "message"),
    [
        ((TOP, TOP, 0), "label_parents names 3 parents for 4 labels"),
        ((TOP, 2, TOP, 0), "label 1 has the parent 2, not one before it or -1"),
        ((TOP, TOP, -2, 0), "label 2 has the parent -2"),
        ((TOP, TOP, "0", 0), "label_parents='0' must be a whole number"),
    ],
)
def test_levels_that_cannot_be(parents, message):
    with pytest.raises(ConfigError, match=message):
        SMALL.with_changes(label_parents=parents)
