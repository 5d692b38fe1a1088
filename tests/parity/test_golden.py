"""Agreement with the original implementation, recorded in tests/fixtures/golden."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from korscideberta.model import DebertaV2Config, DebertaV2ForSequenceClassification
from korscideberta.model.checkpoints import load_weights

GOLDEN = Path(__file__).parents[1] / "fixtures" / "golden"


@pytest.mark.parametrize("attention", ["dense", "strided"])
def test_outputs_and_gradients_equal_the_original(attention):
    config = DebertaV2Config.from_dict(json.loads((GOLDEN / "v3_korsci.config.json").read_text()))
    stored = load_file(GOLDEN / "v3_korsci.weights.safetensors")
    case = load_file(GOLDEN / "v3_korsci.case.safetensors")
    weights = {
        name.removeprefix("classification/"): tensor
        for name, tensor in stored.items()
        if name.startswith("classification/")
    }
    model = DebertaV2ForSequenceClassification(config.with_labels("abcde"), attention).eval()
    report = load_weights(model, weights, source="v3_korsci")
    assert report.newly_initialised == ()
    # The original keeps absolute positions for its masked-language-model decoder; this model has no use for them.
    assert report.ignored == ("deberta.embeddings.position_embeddings.weight",)

    output = model(
        case["input_ids"],
        case["attention_mask"],
        case["token_type_ids"],
        case["classification.labels"],
        output_hidden_states=True,
    )
    output.loss.backward()

    def agrees(found, name, tolerance):
        torch.testing.assert_close(found, case[f"classification.{name}"], atol=tolerance, rtol=0)

    assert len(output.hidden_states) == 1 + config.num_hidden_layers
    for index in range(1, 1 + config.num_hidden_layers):
        agrees(output.hidden_states[index], f"hidden.{index}", 2e-5)
    agrees(output.logits, "logits", 2e-5)
    agrees(output.loss.reshape(1), "loss", 2e-5)
    deberta = model.deberta
    agrees(deberta.encoder.layers[0].attention.query.weight.grad, "grad.layer0.query_proj.weight", 1e-4)
    agrees(deberta.encoder.relative.weight.grad, "grad.rel_embeddings", 1e-4)
    agrees(deberta.embeddings.word.weight.grad, "grad.word_embeddings", 1e-4)
