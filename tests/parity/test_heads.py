"""The heads and their losses against transformers and torch, on random small models."""

import itertools

import pytest
import torch
from torch.nn import functional as F

from korscideberta import model as models
from korscideberta.model import DebertaV2Config
from korscideberta.model.checkpoints import load_weights

transformers = pytest.importorskip("transformers")

LENGTHS = [12, 5, 12, 9]
HEADS = {
    "sequence": "DebertaV2ForSequenceClassification",
    "tokens": "DebertaV2ForTokenClassification",
    "reading": "DebertaV2ForQuestionAnswering",
    "choice": "DebertaV2ForMultipleChoice",
    "masked": "DebertaV2ForMaskedLM",
}


def small_config(**changes):
    values = {
        "vocab_size": 70,
        "hidden_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "intermediate_size": 32,
        "max_position_embeddings": 32,
        "position_buckets": 8,
        "initializer_range": 0.3,
        "id2label": ("a", "b", "c"),
        "mlm_head": "plain",
        **changes,
    }
    return DebertaV2Config(**values)


def both(head, **changes):
    """The same random weights in transformers' model and in ours."""
    torch.manual_seed(0)
    config = small_config(**changes)
    if head == "reading":
        config = config.with_labels(["LABEL_0", "LABEL_1"])
    theirs_config = transformers.DebertaV2Config(**{k: v for k, v in config.to_dict().items() if k != "model_type"})
    theirs = getattr(transformers, HEADS[head])(theirs_config).eval()
    for bias in (p for name, p in theirs.named_parameters() if name.endswith("bias")):
        torch.nn.init.normal_(bias)
    ours = getattr(models, HEADS[head])(config).eval()
    report = load_weights(ours, theirs.state_dict(), source="transformers")
    assert report.ignored == report.newly_initialised == ()
    return theirs, ours


def batch(lengths=LENGTHS):
    torch.manual_seed(1)
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    return torch.randint(1, 70, mask.shape) * mask, mask


def packed(mask, *by_token):
    """A padded batch as packed sequences: the tokens of each tensor, and where sequences start."""
    count = mask.sum(1)
    return [x[mask.bool()] for x in by_token], count.cumsum(0) - count


def close(found, expected, tolerance=1e-5):
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=1e-5)


def gradients_agree(theirs, ours, expected, found):
    expected.backward()
    found.backward()
    reference = theirs.deberta.encoder.layer[0].attention.self.value_proj.weight.grad
    close(ours.deberta.encoder.layers[0].attention.value.weight.grad, reference, 1e-4)
    close(ours.deberta.embeddings.word.weight.grad, theirs.deberta.embeddings.word_embeddings.weight.grad, 1e-4)


@pytest.mark.parametrize("problem", ["single_label_classification", "multi_label_classification", "regression"])
def test_sequence(problem):
    theirs, ours = both("sequence", problem_type=problem)
    ids, mask = batch()
    labels = torch.tensor([0, 2, 1, 0]) if problem.startswith("single") else torch.rand(4, 3)
    expected, found = theirs(ids, mask, labels=labels), ours(ids, mask, labels=labels)
    close(found.logits, expected.logits)
    close(found.loss, expected.loss)
    gradients_agree(theirs, ours, expected.loss, found.loss)
    (ids_T,), starts = packed(mask, ids)
    close(ours.forward_packed(ids_T, starts, labels=labels).loss, expected.loss)


def test_sequence_rows_without_a_label_are_left_out():
    theirs, ours = both("sequence")  # transformers leaves them out as well when no problem type is set
    ids, mask = batch()
    labels = torch.tensor([0, -1, 1, -100])
    close(ours(ids, mask, labels=labels).loss, theirs(ids, mask, labels=labels).loss)
    assert ours(ids, mask, labels=torch.full((4,), -100)).loss == 0


def test_tokens():
    theirs, ours = both("tokens")
    ids, mask = batch()
    labels = torch.randint(0, 3, mask.shape).masked_fill(torch.rand(mask.shape) < 0.3, -100)
    labels_of_pads_left_out = labels.masked_fill(mask == 0, -100)
    expected, found = theirs(ids, mask, labels=labels_of_pads_left_out), ours(ids, mask, labels=labels)
    close(found.logits, (expected.logits * mask[..., None]))
    close(found.loss, expected.loss)
    gradients_agree(theirs, ours, expected.loss, found.loss)
    (ids_T, labels_T), starts = packed(mask, ids, labels)
    output = ours.forward_packed(ids_T, starts, labels=labels_T)
    close(output.loss, expected.loss)
    close(output.logits, expected.logits[mask.bool()])


def test_reading():
    theirs, ours = both("reading", id2label=("a", "b", "c"))
    ids, mask = batch([12, 12, 12, 12])
    start, end = torch.tensor([0, 3, 11, -1]), torch.tensor([5, 3, 11, 30])
    # transformers takes a negative place for 0, so the last row's start is given to it as one beyond the text.
    expected = theirs(ids, mask, start_positions=start.masked_fill(start < 0, 99), end_positions=end)
    found = ours(ids, mask, labels=torch.stack([start, end], 1))
    close(found.start_logits, expected.start_logits)
    close(found.end_logits, expected.end_logits)
    close(found.loss, expected.loss)
    gradients_agree(theirs, ours, expected.loss, found.loss)


def test_reading_padding_has_no_part_in_the_softmax():
    _, ours = both("reading")
    ids, mask = batch()
    labels = torch.tensor([[0, 5], [3, 4], [11, 11], [7, 9]])  # the last row's end is padding
    found = ours(ids, mask, labels=labels)
    losses = {0: [], 1: []}
    for row, length in enumerate(LENGTHS):
        alone = ours(ids[row : row + 1, :length])
        close(found.logits[row, :length], alone.logits[0])
        assert (found.logits[row, length:] < -1e30).all()
        for side in (0, 1):
            if labels[row, side] < length:
                losses[side].append(F.cross_entropy(alone.logits[..., side], labels[row : row + 1, side]))
    close(found.loss, (torch.stack(losses[0]).mean() + torch.stack(losses[1]).mean()) / 2)
    (ids_T,), starts = packed(mask, ids)
    output = ours.forward_packed(ids_T, starts, labels=labels)
    close(output.loss, found.loss)
    close(output.logits, found.logits[mask.bool()])


def test_reading_has_two_logits_whatever_the_labels():
    ours = models.DebertaV2ForQuestionAnswering(small_config())
    assert ours.config.num_labels == 2
    assert ours(batch()[0]).logits.shape == (4, 12, 2)


def test_choice():
    theirs, ours = both("choice")
    ids, mask = (x.view(2, 2, -1) for x in batch())
    labels = torch.tensor([1, 0])
    expected, found = theirs(ids, mask, labels=labels), ours(ids, mask, labels=labels, output_hidden_states=True)
    close(found.logits, expected.logits)
    close(found.loss, expected.loss)
    assert found.hidden_states[-1].shape == (4, 12, 24)
    gradients_agree(theirs, ours, expected.loss, found.loss)
    (ids_T,), starts = packed(mask.flatten(0, 1), ids.flatten(0, 1))
    close(ours.forward_packed(ids_T, starts, labels=labels, answers=2).logits, expected.logits)


@pytest.mark.parametrize(
    ("changes", "padded"),
    list(
        itertools.product(
            [{}, {"position_biased_input": True, "type_vocab_size": 2}, {"conv_kernel_size": 3}], [False, True]
        )
    ),
)
def test_plain_masked_language_model(changes, padded):
    theirs, ours = both("masked", **changes)
    ids, mask = batch(LENGTHS if padded else [12] * 4)
    labels = ids.masked_fill((torch.rand(mask.shape) < 0.7) | (mask == 0), -100)
    expected = theirs(ids, mask, labels=labels)
    close(ours(ids, mask).logits, expected.logits * mask[..., None])
    found = ours(ids, mask, labels=labels, output_logits=True)
    close(found.loss, expected.loss)
    close(found.logits, expected.logits[labels >= 0])
    gradients_agree(theirs, ours, expected.loss, found.loss)
    (ids_T, labels_T), starts = packed(mask, ids, labels)
    close(ours.forward_packed(ids_T, starts, labels=labels_T).loss, expected.loss)


@pytest.mark.parametrize("tied", [True, False])
def test_legacy_masked_language_model(tied):
    torch.manual_seed(0)
    config = small_config(mlm_head="legacy", tie_word_embeddings=tied, embedding_size=16)
    values = {k: v for k, v in config.to_dict().items() if k != "model_type"}
    theirs = transformers.DebertaV2ForMaskedLM(transformers.DebertaV2Config(**values)).eval()
    head = theirs.cls.predictions
    torch.nn.init.normal_(head.decoder.bias)
    ours = models.DebertaV2ForMaskedLM(config).eval()
    bare = {k: v for k, v in theirs.state_dict().items() if k.startswith("deberta.")}
    load_weights(ours.deberta, bare, source="transformers")
    named = {
        "dense.weight": head.transform.dense.weight,
        "dense.bias": head.transform.dense.bias,
        "norm.weight": head.transform.LayerNorm.weight,
        "norm.bias": head.transform.LayerNorm.bias,
        "bias": head.decoder.bias,
        **({} if tied else {"decoder.weight": head.decoder.weight}),
    }
    ours.lm_head.load_state_dict(named)
    ids, mask = batch([12] * 4)
    close(ours(ids, mask).logits, theirs(ids, mask).logits)
