import pytest
import torch
from torch.nn import functional as F

from korscideberta.model.heads import vocabulary_loss
from korscideberta.model.heads.vocabulary_loss import vocabulary_cross_entropy


def case(count=9, pieces=23, width=5, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    shapes = (count, width), (pieces, width), (pieces,)
    inputs = [torch.randn(shape, generator=generator).to(dtype).requires_grad_() for shape in shapes]
    return inputs, torch.randint(0, pieces, (count,), generator=generator)


@pytest.fixture(params=[1, 23, 23 * 4, 1 << 26], ids=lambda most: f"{most} logits at a time")
def _chunks(request, monkeypatch):
    monkeypatch.setattr(vocabulary_loss, "_MOST_LOGITS", request.param)


@pytest.mark.usefixtures("_chunks")
def test_equals_linear_and_cross_entropy():
    inputs, labels = case()
    found, expected = vocabulary_cross_entropy(*inputs, labels), F.cross_entropy(F.linear(*inputs), labels)
    torch.testing.assert_close(found, expected)
    for mine, reference in zip(
        torch.autograd.grad(3 * found, inputs), torch.autograd.grad(3 * expected, inputs), strict=True
    ):
        torch.testing.assert_close(mine, reference)


@pytest.mark.usefixtures("_chunks")
def test_gradients_are_the_numerical_ones():
    inputs, labels = case(count=5)
    assert torch.autograd.gradcheck(lambda *x: vocabulary_cross_entropy(*x, labels), tuple(inputs))


@pytest.mark.parametrize("pure", [True, False])
def test_half_precision_stays_near(pure):
    inputs, labels = case(dtype=torch.bfloat16 if pure else torch.float32)
    exact = [x.detach().double().requires_grad_() for x in inputs]
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=not pure):
        found = vocabulary_cross_entropy(*inputs, labels)
    assert found.dtype == torch.float32
    expected = F.cross_entropy(F.linear(*exact), labels)
    torch.testing.assert_close(found.double(), expected, rtol=0.02, atol=0)
    for mine, x, reference in zip(
        torch.autograd.grad(found, inputs), inputs, torch.autograd.grad(expected, exact), strict=True
    ):
        assert mine.dtype == x.dtype
        assert (mine.double() - reference).norm() < 0.02 * reference.norm()


def test_no_predictions_cost_nothing():
    inputs, _ = case(count=0)
    loss = vocabulary_cross_entropy(*inputs, torch.empty(0, dtype=torch.int64))
    assert loss == 0
    for grad in torch.autograd.grad(loss, inputs):
        assert not grad.any()


def test_without_gradients_only_the_loss_is_made():
    inputs, labels = case()
    with torch.no_grad():
        loss = vocabulary_cross_entropy(*inputs, labels)
    assert not loss.requires_grad
    torch.testing.assert_close(loss, F.cross_entropy(F.linear(*inputs), labels).detach())


def test_gradients_can_be_asked_for_again():
    inputs, labels = case()
    loss = vocabulary_cross_entropy(*inputs, labels)
    first = [x.clone() for x in torch.autograd.grad(2 * loss, inputs, retain_graph=True)]
    for mine, reference in zip(torch.autograd.grad(loss, inputs), first, strict=True):
        torch.testing.assert_close(2 * mine, reference)


def test_a_compiler_traces_the_plain_form():
    inputs, labels = case(dtype=torch.float32)
    compiled = torch.compile(vocabulary_cross_entropy, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(*inputs, labels), vocabulary_cross_entropy(*inputs, labels))
