from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from korscideberta.errors import ModelError
from korscideberta.model import DebertaV2ForMaskedLM, DebertaV2ForSequenceClassification, preset
from korscideberta.model import quantized as module
from korscideberta.model.quantized import QuantizedLinear, is_quantized, quantize, quantize_rows, quantize_weight

IDS = torch.arange(5, 35).remainder(40) + 5
STARTS = torch.tensor([0, 7, 18])


def small(model_class=DebertaV2ForSequenceClassification, **changes):
    torch.manual_seed(0)
    sizes = {"num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
    model = model_class(preset("nano", 50, **{**sizes, **changes})).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.normal_(0.0, 0.3)
    return model


def whole(linear: QuantizedLinear, x_TK: torch.Tensor) -> np.ndarray:
    """What the layer should give, with whole numbers as such and the rest in float64."""
    rows = quantize_rows(x_TK)
    weight_NK = linear.weight.numpy().astype(np.int64)
    x_int = rows.level_TK.numpy().astype(np.int64)
    step, low = (x.numpy().astype(np.float64) for x in (rows.step_T1, rows.low_T1))
    scale_N = linear.weight_scale.numpy().astype(np.float64)
    return (x_int @ weight_NK.T * step + low * weight_NK.sum(1)) * scale_N + linear.bias.numpy()


@pytest.mark.parametrize("inputs", [1, 3, 16, 67, 256])
@pytest.mark.parametrize("tokens", [1, 5, 33])
def test_products_of_the_largest_numbers_are_exact(inputs, tokens):
    """16-bit sums of neighbouring products, as processors without an 8-bit dot product make them, must not overflow."""
    same_sign = torch.nn.Linear(inputs, 24)
    with torch.no_grad():
        same_sign.weight.copy_(torch.where(torch.arange(24)[:, None] % 2 == 0, 1.0, -1.0).expand(24, inputs))
    linear = QuantizedLinear.of(same_sign)
    x_TK = torch.full((tokens, inputs), 7.0)
    x_TK[:, 0] = -3.0
    np.testing.assert_allclose(linear(x_TK).numpy(), whole(linear, x_TK), rtol=1e-5, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 70), st.integers(1, 30), st.floats(0.01, 50))
def test_any_layer_is_what_whole_numbers_make(seed, tokens, inputs, outputs, outlier):
    torch.manual_seed(seed)
    layer = torch.nn.Linear(inputs, outputs)
    x_TK = torch.randn(tokens, inputs)
    x_TK[:, 0] *= outlier
    linear = QuantizedLinear.of(layer)
    found = linear(x_TK).numpy()
    expected = whole(linear, x_TK)
    np.testing.assert_allclose(found, expected, atol=1e-5 * (1 + np.abs(expected).max()))
    # An input is off by half a step of its row at most, a weight by half of its channel's.
    rows, (_, scale_N) = quantize_rows(x_TK), quantize_weight(layer.weight.detach())
    most = (
        rows.step_T1 / 2 * (linear.weight.float() * scale_N[:, None]).abs().sum(1)
        + x_TK.abs().sum(1, keepdim=True) * scale_N / 2
    )
    assert (np.abs(found - layer(x_TK).detach().numpy()) <= most.numpy() * 1.01 + 1e-4).all()


@given(st.lists(st.floats(-100, 100, width=32), min_size=2, max_size=12))
def test_neighbours_of_one_sign_sum_to_128_at_most(numbers):
    weight_NK, step_N = quantize_weight(torch.tensor([numbers]))
    pairs = torch.nn.functional.pad(weight_NK.int(), (0, len(numbers) % 2)).view(-1, 2)
    assert pairs.clamp_min(0).sum(1).max() <= 128
    assert pairs.clamp_max(0).sum(1).min() >= -128
    np.testing.assert_allclose(weight_NK[0] * step_N[0], numbers, atol=float(step_N[0]) * 0.51)


def test_rows_have_steps_of_their_own():
    x_TK = torch.tensor([[1.0, 2.0, 3.0], [1000.0, -1000.0, 0.0], [4.0, 4.0, 4.0]])
    rows = quantize_rows(x_TK)
    assert rows.level_TK[0].tolist() in ([0, 127, 255], [0, 128, 255])
    found = rows.level_TK * rows.step_T1 + rows.low_T1
    np.testing.assert_allclose(found, x_TK, atol=4)
    np.testing.assert_allclose(found[0], x_TK[0], atol=0.005)


@pytest.mark.parametrize("changes", [{}, {"share_att_key": False}, {"conv_kernel_size": 3}])
def test_a_quantized_model_answers_nearly_the_same(changes):
    model = small(**changes)
    quantized = quantize(copy.deepcopy(model))
    assert is_quantized(quantized)
    assert not is_quantized(model)
    assert isinstance(quantized.classifier, torch.nn.Linear)
    assert not any(type(one) is torch.nn.Linear for one in quantized.deberta.encoder.layers.modules())
    with torch.inference_mode():
        expected, found = (one(IDS, starts=STARTS).logits for one in (model, quantized))
    assert 0 < (found - expected).abs().max() < 0.15 * expected.std()


def test_a_text_has_the_same_logits_in_every_batch():
    model = quantize(small())
    for layer in model.deberta.encoder.layers:
        layer.most_tokens = 4
    with torch.inference_mode():
        together = model(IDS, starts=STARTS).logits
        alone = model(IDS[7:18], starts=torch.tensor([0])).logits
    np.testing.assert_allclose(together[1], alone[0], atol=1e-5)


def test_the_decoder_of_masked_pieces_runs_in_8_bits():
    model = small(DebertaV2ForMaskedLM)
    with torch.inference_mode():
        expected = model(IDS, starts=STARTS).logits
        found = quantize(model)(IDS, starts=STARTS).logits
    assert 0 < (found - expected).abs().mean() < 0.05 * expected.std()


def test_attention_in_bfloat16_where_the_processor_has_it(monkeypatch):
    model = small()
    monkeypatch.setattr(module, "has_bf16_unit", lambda: True)
    quantized = quantize(copy.deepcopy(model))
    attention = quantized.deberta.encoder.layers[0].attention
    assert attention.query(torch.ones(1, 16)).dtype == torch.bfloat16
    with torch.inference_mode():
        output = quantized(IDS, starts=STARTS)
        expected = model(IDS, starts=STARTS)
    assert output.logits.dtype == torch.float32
    assert 0 < (output.logits - expected.logits).abs().max() < 0.2 * expected.logits.std()


def test_a_quantized_model_can_be_copied_and_pickled_after_use():
    model = quantize(small())
    with torch.inference_mode():
        expected = model(IDS, starts=STARTS).logits
        for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            assert torch.equal(other(IDS, starts=STARTS).logits, expected)
        changed = quantize(small(initializer_range=0.5))
        changed.load_state_dict(model.state_dict())
        assert torch.equal(changed(IDS, starts=STARTS).logits, expected)


def test_an_int8_model_cannot_be_trained():
    with pytest.raises(ModelError, match="cannot be trained"):
        quantize(small())(IDS, starts=STARTS)
