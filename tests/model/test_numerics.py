"""Half precision, extreme lengths and masks, checkpointing, dropout, compilation."""

import inspect
from collections import Counter

import pytest
import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from korscideberta.model import (
    DebertaV2Config,
    DebertaV2ForMaskedLM,
    DebertaV2ForSequenceClassification,
    DebertaV2Model,
)

transformers = pytest.importorskip("transformers")

IMPLEMENTATIONS = ["dense", "strided"]
CONFIG = DebertaV2Config(
    vocab_size=60,
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=32,
    max_position_embeddings=40,
    position_buckets=8,
    initializer_range=0.2,
    id2label=("a", "b", "c"),
)


def build(config=CONFIG, cls=DebertaV2ForSequenceClassification, **options):
    torch.manual_seed(0)
    return cls(config, **options).eval()


def tokens(lengths, width=None):
    torch.manual_seed(1)
    mask = (torch.arange(width or max(lengths)) < torch.tensor(lengths)[:, None]).long()
    return torch.randint(1, 60, mask.shape) * mask, mask


def with_holes(mask):
    """Padding on the left of the first row and in the middle of the second."""
    mask = mask.clone()
    mask[0, :4] = 0
    mask[1, 2:5] = 0
    return mask


def finite_gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("attention", IMPLEMENTATIONS)
@pytest.mark.parametrize("lengths", [[30, 12, 0, 17], [1, 1, 1, 1], [0, 0, 0, 0]])
def test_half_precision_under_any_mask(lengths, attention, dtype):
    model = build(CONFIG.with_changes(conv_kernel_size=3), attention=attention)
    ids, mask = tokens(lengths, width=33)
    for shown in (mask, with_holes(mask)):
        reference = model(ids, shown).logits
        half = build(CONFIG.with_changes(conv_kernel_size=3), attention=attention).to(dtype)
        output = half(ids, shown, labels=torch.tensor([0, 1, 2, 0]))
        assert output.logits.dtype == dtype
        assert (output.logits.float() - reference).abs().max() < 0.2
        assert finite_gradients(half, output.loss)


@pytest.mark.parametrize("attention", IMPLEMENTATIONS)
@pytest.mark.parametrize("masked", [False, True])
def test_scores_beyond_what_float16_holds(attention, masked):
    cls = DebertaV2ForMaskedLM if masked else DebertaV2ForSequenceClassification
    model = build(cls=cls, attention=attention)
    with torch.no_grad():
        for layer in model.deberta.encoder.layers:
            layer.attention.query.weight.mul_(500)
            layer.attention.key.weight.mul_(500)
    ids, mask = tokens([30, 12, 17])
    layer = model.deberta.encoder.layers[0].attention
    states = model.deberta(ids[:1]).last_hidden_state[0]
    assert (layer.query(states) * layer.scale @ layer.key(states).T).abs().max() > 70000
    labels = ids.masked_fill(torch.rand(ids.shape) > 0.3, -100) if masked else torch.tensor([0, 1, 2])
    model.half()
    output = model(ids, mask, labels=labels)
    assert output.loss.isfinite()
    assert finite_gradients(model, output.loss)


def test_4096_tokens():
    config = CONFIG.with_changes(num_hidden_layers=1, hidden_size=4, num_attention_heads=1, intermediate_size=4)
    ids, _ = tokens([4096])
    with torch.no_grad():
        expected = build(config, DebertaV2Model, attention="dense")(ids).last_hidden_state
        found = build(config, DebertaV2Model, attention="strided")(ids).last_hidden_state
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
        for dtype in (torch.float16, torch.bfloat16):
            half = build(config, DebertaV2Model, attention="dense").to(dtype)(ids).last_hidden_state
            assert (half.float() - expected).abs().mean() < 0.02


@pytest.mark.parametrize("attention", IMPLEMENTATIONS)
@pytest.mark.parametrize("masked", [False, True])
def test_checkpointing_gives_equal_gradients_and_keeps_less(attention, masked):
    ids, mask = tokens([30, 12])
    labels = ids.masked_fill(torch.rand(ids.shape) > 0.3, -100) if masked else torch.tensor([0, 1])
    cls = DebertaV2ForMaskedLM if masked else DebertaV2ForSequenceClassification
    model = build(CONFIG.with_changes(num_hidden_layers=4, conv_kernel_size=3), cls, attention=attention).train()

    def run():
        kept = {}

        def keep(x):
            kept[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
            return x

        model.zero_grad()
        torch.manual_seed(7)  # the same dropout
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
            loss = model(ids, mask, labels=labels).loss
        size = sum(kept.values()) - sum(p.nbytes for p in model.parameters() if p.data_ptr() in kept)
        loss.backward()
        return size, {name: p.grad.clone() for name, p in model.named_parameters()}

    size, gradients = run()
    model.gradient_checkpointing_enable()
    smaller, again = run()
    assert smaller < size / 2
    for name, gradient in gradients.items():
        torch.testing.assert_close(again[name], gradient, atol=1e-7, rtol=1e-5)
    model.gradient_checkpointing_disable()
    assert run()[0] == size


class Dropouts(TorchFunctionMode):
    """How often each dropout rate was applied."""

    def __init__(self):
        super().__init__()
        self.rates = Counter()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is F.dropout:
            call = inspect.signature(func).bind(*args, **(kwargs or {})).arguments
            if call["training"] and call["p"] > 0:
                self.rates[call["p"]] += 1
        return func(*args, **(kwargs or {}))


def test_dropout_is_applied_as_often_as_in_transformers():
    rates = {
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.2,
        "pooler_dropout": 0.3,
        "cls_dropout": 0.4,
    }
    config = CONFIG.with_changes(conv_kernel_size=3, **rates)
    values = {k: v for k, v in config.to_dict().items() if k != "model_type"}
    theirs = transformers.DebertaV2ForSequenceClassification(transformers.DebertaV2Config(**values)).train()
    ids, mask = tokens([9, 5])
    with Dropouts() as expected:
        theirs(ids, mask)
    with Dropouts() as found:
        build(config, attention="dense").train()(ids, mask)
    assert found.rates == expected.rates
    assert expected.rates == {0.1: 1 + 2 * 3 + 1, 0.2: 2, 0.3: 1, 0.4: 1}


@pytest.mark.parametrize(
    "place",
    [
        "deberta.embeddings.dropout",
        "deberta.encoder.convolution.dropout",
        "deberta.encoder.layers.1.attention.pos_dropout",
        "deberta.encoder.layers.1.attention_output.dropout",
        "deberta.encoder.layers.1.output.dropout",
        "pooler.dropout",
        "dropout",
    ],
)
def test_dropout_at_each_place_changes_the_result(place):
    config = CONFIG.with_changes(conv_kernel_size=3, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    model = build(config).train()
    ids, mask = tokens([9, 5])
    still = model(ids, mask).logits
    assert torch.equal(model(ids, mask).logits, still)
    model.get_submodule(place).p = 0.5
    assert not torch.equal(model(ids, mask).logits, still)


@pytest.mark.parametrize("attention", IMPLEMENTATIONS)
def test_dropout_of_attention_probabilities(attention):
    config = CONFIG.with_changes(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.5, num_hidden_layers=1)
    model = build(config, DebertaV2Model, attention=attention)
    heads, size = config.num_attention_heads, config.head_size
    # With the same value everywhere, a context is that value times the sum of the probabilities kept, over 1 - rate.
    layer = model.encoder.layers[0].attention
    torch.nn.init.zeros_(layer.value.weight)
    torch.nn.init.ones_(layer.value.bias)
    contexts = []
    layer.register_forward_hook(lambda _, __, out: contexts.append(out.unflatten(-1, (heads, size))))
    ids, mask = tokens([20] * 60)
    model.train()
    with torch.no_grad():
        model(ids, mask)
    context = contexts[0]
    assert (context.std(-1) < 1e-5).all()  # a dropped probability is dropped for the whole head
    assert 0.9 < context.mean() < 1.1
    assert context.std() > 0.1


def test_the_decoder_draws_dropout_for_both_its_passes():
    model = build(cls=DebertaV2ForMaskedLM).train()
    calls = []
    model.deberta.encoder.layers[-1].attention.pos_dropout.register_forward_hook(lambda *_: calls.append(1))
    model(*tokens([9, 5]))
    assert len(calls) == 2


@pytest.mark.parametrize("attention", IMPLEMENTATIONS)
def test_compiles_to_one_graph(attention):
    """Forward and backward in whole graphs, equal to the packed model; code generation itself is torch's."""
    torch._dynamo.reset()
    model = build(CONFIG.with_changes(num_hidden_layers=1, conv_kernel_size=3), attention=attention)
    ids, mask = tokens([9, 3, 0, 14])
    labels = torch.tensor([0, 1, 2, 0])

    def run(call):
        model.zero_grad()
        output = call(ids, mask, labels=labels)
        output.loss.backward()
        return output.logits.detach(), output.loss.detach(), [p.grad.clone() for p in model.parameters()]

    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(run(compiled), run(model), atol=1e-6, rtol=1e-5)
