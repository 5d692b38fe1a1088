"""The fused form, as torch runs its definition on a CPU, against the textbook form."""

import pytest
import torch
from torch.nn.attention import flex_attention

from korscideberta.errors import ConfigError
from korscideberta.model.attention import PositionTerms, choose_attention, flash
from korscideberta.model.attention.dense import attend_dense
from korscideberta.model.attention.flash import attend_flash
from korscideberta.model.packing import Packing
from korscideberta.model.positions import offset_rows

HEADS, SIZE = 2, 16
MASKS = {
    "full": [[1, 1, 1, 1]] * 2,
    "ragged": [[1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0]],
    "holes": [[1, 0, 1, 1, 0], [0, 1, 1, 1, 1]],
    "one token": [[1]],
}


@pytest.fixture(autouse=True)
def _no_strided(monkeypatch):
    """Fail where the strided form would quietly take over; and let torch derive the backward on a CPU, too.

    It refuses there because nothing is fused, though the definition has a backward like any other.
    """
    monkeypatch.setattr(flash, "attend_strided", None)
    monkeypatch.setattr(flex_attention, "_validate_device", lambda *_: None)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize(
    ("mask", "terms"), [*((mask, "both") for mask in MASKS), *(("ragged", terms) for terms in ("c2p", "p2c", "none"))]
)
def test_flash_equals_dense_forward_and_backward(mask, terms):
    generator = torch.Generator().manual_seed(0)
    packing = Packing.from_mask(torch.tensor(MASKS[mask]))
    tokens = packing.place_T.shape[0]
    rows = offset_rows(packing.length, 4, 8)
    used = int(rows[-1] - rows[0]) + 1
    tensors = [
        torch.randn(count, HEADS, SIZE, generator=generator, dtype=torch.float64, requires_grad=True)
        for count in [tokens] * 3 + [used] * 2
    ]
    weight = torch.randn(tokens, HEADS, SIZE, generator=generator, dtype=torch.float64)
    results = []
    for attend in (attend_flash, attend_dense):
        position_terms = PositionTerms(
            key_UHE=tensors[3] if terms in ("c2p", "both") else None,
            query_UHE=tensors[4] if terms in ("p2c", "both") else None,
            rows_O=rows - rows[0],
        )
        out = attend(*tensors[:3], terms=None if terms == "none" else position_terms, packing=packing, dropout=0.0)
        results.append([out, *torch.autograd.grad((out * weight).sum(), tensors, allow_unused=True)])
    for found, expected in zip(*results, strict=True):
        assert (found is None) == (expected is None)
        if found is not None:
            torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("dropout", "size"), [(0.1, 16), (0.0, 12)])
def test_what_the_kernel_lacks_goes_to_the_strided_form(dropout, size, monkeypatch):
    monkeypatch.setattr(flash, "attend_strided", lambda *_, **__: "strided")
    x = torch.zeros(3, HEADS, size)
    packing = Packing.from_mask(torch.ones(1, 3))
    assert attend_flash(x, x, x, terms=None, packing=packing, dropout=dropout) == "strided"


def test_flash_is_offered_on_cuda_alone(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="needs a CUDA device"):
        choose_attention("flash")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_attention("flash") is attend_flash
