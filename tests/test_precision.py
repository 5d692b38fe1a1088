from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pad_sequence

from korscideberta.data.batching import eval_order
from korscideberta.data.encoding import EncodedExample
from korscideberta.data.features import SequenceFeatures
from korscideberta.errors import ConfigError
from korscideberta.inference import predict_logits, probabilities
from korscideberta.model import DebertaV2ForSequenceClassification, preset
from korscideberta.precision import pick_device, resolve_precision

CPU = torch.device("cpu")


def test_auto_on_a_cpu_is_float32():
    assert resolve_precision("auto", CPU) == "float32"
    assert resolve_precision("bf16", CPU) == "bf16"
    assert pick_device("cpu") == CPU


@pytest.mark.parametrize("name", ["fp16", "half", "int8"])
def test_precision_that_will_not_do(name):
    with pytest.raises(ConfigError, match=f"--precision {name}"):
        resolve_precision(name, CPU)


def test_device_that_is_not_there():
    with pytest.raises(ConfigError, match="--device cuda:77"):
        pick_device("cuda:77")


def test_logits_come_in_the_order_of_the_examples_whatever_the_batches():
    torch.manual_seed(0)
    model = DebertaV2ForSequenceClassification(preset("nano", 50, num_hidden_layers=1)).train()
    examples = [EncodedExample((1, *range(5, 6 + i % 7), 2), (0,) * (3 + i % 7), ()) for i in range(11)]
    features = SequenceFeatures(examples)
    alone = [predict_logits(model, SequenceFeatures([example]))[0] for example in examples]
    together = predict_logits(model, features, batch_size=4)
    assert model.training
    np.testing.assert_allclose(together, alone, atol=1e-5)
    rough = predict_logits(model, features, precision="bf16")
    np.testing.assert_allclose(rough, together, atol=0.05)
    assert not np.array_equal(rough, together)


def test_packed_logits_are_exactly_those_of_padded_batches():
    torch.manual_seed(0)
    model = DebertaV2ForSequenceClassification(preset("nano", 50, num_hidden_layers=2)).eval()
    examples = [EncodedExample((1, *range(5, 6 + i * 5 % 9), 2), (0,) * (3 + i * 5 % 9), ()) for i in range(11)]
    found = predict_logits(model, SequenceFeatures(examples), batch_size=4)
    for indices in eval_order([len(example.input_ids) for example in examples], 4):
        ids = pad_sequence([torch.tensor(examples[i].input_ids) for i in indices], batch_first=True)
        with torch.inference_mode():
            padded = model(ids, (ids != 0).long()).logits
        assert np.array_equal(found[indices], padded.numpy())


def test_probabilities_are_the_softmax():
    logits = np.array([[1000.0, 1001.0], [0.0, 0.0]], dtype=np.float32)
    np.testing.assert_allclose(probabilities(logits), torch.from_numpy(logits).double().softmax(1).numpy())
