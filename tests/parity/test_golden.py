"""Agreement with the original implementation: figures in tests/fixtures/golden, and more in $KORSCI_SHARED."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from korscideberta.model import (
    DebertaV2Config,
    DebertaV2ForMaskedLM,
    DebertaV2ForReplacedTokenDetection,
    DebertaV2ForSequenceClassification,
)
from korscideberta.model.checkpoints import load_weights
from korscideberta.model.positions import offset_rows

GOLDEN = Path(__file__).parents[1] / "fixtures" / "golden"
KINDS = ["v3_korsci", "v1_unshared", "v2_conv", "c2p_only", "v3_positions_types", "bert_absolute"]
HERE = ("v3_korsci",)
# The original keeps absolute positions for its masked-language-model decoder; the other heads have no use for them.
POSITIONS = "deberta.embeddings.position_embeddings.weight"


@pytest.fixture
def golden(request):
    """A function that gives the model of one part of a golden file with its weights, and the case."""

    def read(kind, *arguments):
        folder = GOLDEN if kind in HERE else request.getfixturevalue("shared") / "golden" / "deberta"
        return load(folder, kind, *arguments)

    return read


def load(folder, kind, part, model_class, attention):
    config = DebertaV2Config.from_dict(json.loads((folder / f"{kind}.config.json").read_text()))
    stored = load_file(folder / f"{kind}.weights.safetensors")
    weights = {name.removeprefix(f"{part}/"): tensor for name, tensor in stored.items() if name.startswith(f"{part}/")}
    model = model_class(config.with_labels("abcde"), attention).eval()
    report = load_weights(model, weights, source=kind)
    assert report.newly_initialised == ()
    assert report.ignored in ((), (POSITIONS,))
    assert (POSITIONS in report.loaded) == (model_class is DebertaV2ForMaskedLM or config.position_biased_input)
    return model, load_file(folder / f"{kind}.case.safetensors")


def agrees(found, expected, tolerance=2e-5):
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=0)


def labelled(case):
    """Golden labels are 0 where nothing is masked."""
    return case["mlm_labels"].masked_fill(case["mlm_labels"] == 0, -100)


@pytest.mark.parametrize("attention", ["dense", "strided"])
@pytest.mark.parametrize("kind", KINDS)
def test_classification(golden, kind, attention):
    model, case = golden(kind, "classification", DebertaV2ForSequenceClassification, attention)
    output = model(
        case["input_ids"],
        case["attention_mask"],
        case["token_type_ids"],
        case["classification.labels"],
        output_hidden_states=True,
    )
    output.loss.backward()
    layers = model.config.num_hidden_layers
    assert len(output.hidden_states) == 1 + layers
    for index in range(1, 1 + layers):
        agrees(output.hidden_states[index], case[f"classification.hidden.{index}"])
    agrees(output.logits, case["classification.logits"])
    agrees(output.loss.reshape(1), case["classification.loss"])
    deberta = model.deberta
    gradients = {
        "layer0.query_proj.weight": deberta.encoder.layers[0].attention.query.weight,
        "rel_embeddings": deberta.encoder.relative and deberta.encoder.relative.weight,
        "word_embeddings": deberta.embeddings.word.weight,
    }
    for name, weight in gradients.items():
        assert (weight is None) == (f"classification.grad.{name}" not in case)
        if weight is not None:
            agrees(weight.grad, case[f"classification.grad.{name}"], 1e-4)


@pytest.mark.parametrize("attention", ["dense", "strided"])
@pytest.mark.parametrize("kind", KINDS)
def test_masked_language_model(golden, kind, attention):
    model, case = golden(kind, "mlm", DebertaV2ForMaskedLM, attention)
    ids, mask, labels = case["input_ids"], case["attention_mask"], labelled(case)
    masked = labels != -100
    with torch.no_grad():
        everywhere = model(ids, mask).logits
        output = model(ids, mask, labels=labels, output_logits=True)
        packed = model.forward_packed(
            ids[mask.bool()], (mask.sum(1).cumsum(0) - mask.sum(1)), labels=labels[mask.bool()], output_logits=True
        )
    agrees(output.logits, case["mlm.logits_at_masked"])
    agrees(output.loss, case["mlm.loss_per_masked"].mean())
    agrees(everywhere[masked], case["mlm.logits_at_masked"])
    agrees(packed.logits, case["mlm.logits_at_masked"])
    agrees(packed.loss, case["mlm.loss_per_masked"].mean())


@pytest.mark.parametrize("attention", ["dense", "strided"])
@pytest.mark.parametrize("kind", KINDS)
def test_replaced_token_detection(golden, kind, attention):
    model, case = golden(kind, "rtd", DebertaV2ForReplacedTokenDetection, attention)
    mask = case["attention_mask"].bool()
    labels = torch.full(mask.shape, -100.0).masked_scatter(mask, case["rtd.labels_flat"])
    with torch.no_grad():
        output = model(case["rtd.input_ids"], case["attention_mask"], labels=labels)
    agrees(output.logits, case["rtd.logits"])
    agrees(output.loss, case["rtd.loss_flat"].mean())


@pytest.mark.parametrize("attention", ["dense", "strided"])
def test_beyond_the_positions_of_the_table(golden, attention):
    """150 tokens where the table reaches 64."""
    model, _ = golden("v3_korsci", "classification", DebertaV2ForSequenceClassification, attention)
    case = load_file(GOLDEN / "v3_korsci.long.safetensors")
    with torch.no_grad():
        output = model(case["input_ids"], case["attention_mask"], output_hidden_states=True)
    agrees(output.hidden_states[-1], case["hidden.3"])
    agrees(output.logits, case["logits"])


@pytest.mark.parametrize("name", ["256/512", "8/48", "30/48", "4/48", "8/64", "6/24"])
def test_rows_of_the_table(name):
    buckets, span = map(int, name.split("/"))
    recorded = json.loads((GOLDEN / "offset_rows.json").read_text())[name]
    length = recorded["length"]
    rows = offset_rows(length, buckets, span)
    changes = [0, *(rows.diff().nonzero().flatten() + 1).tolist()]
    assert [[place - (length - 1), int(rows[place])] for place in changes] == recorded["first_offset_of_row"]
