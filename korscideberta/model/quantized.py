"""The encoder's linear layers in 8 bits, for inference on a CPU.

A weight is a whole number times the step of its output channel, fixed when the model is quantized. An input row is
levels 0 … 255 times the row's own step above its minimum, found on every call: a row with an outlier loses precision
itself, not its neighbours. The product of whole numbers is exact, so a text's logits do not depend on its batch.

LayerNorms, softmax, embeddings, convolution and head stay float32; the attention between the projections runs in
bfloat16 where the processor has it.
"""

# Shapes: T packed tokens, K inputs, N outputs of a linear layer

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from korscideberta.cpu import has_bf16_unit, has_int8_product
from korscideberta.errors import ConfigError, ModelError
from korscideberta.model.encoder import PretrainedModel
from korscideberta.model.layers import EncoderLayer

Model = TypeVar("Model", bound=PretrainedModel)

_LEVELS = 255
_MOST = 127
_TOKENS_IN_CACHE = 512
"""Between 8-bit products stand several passes over their inputs, which cost little while those stay in the cache."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A (T, K) input in 8 bits: `level * step + low`."""

    level_TK: Tensor
    step_T1: Tensor
    low_T1: Tensor


def quantize_rows(x_TK: Tensor) -> Rows:
    """Spread 256 levels over each row, from its smallest value to its largest."""
    x_TK = x_TK.float()
    low_T1 = x_TK.amin(1, keepdim=True)
    step_T1 = (x_TK.amax(1, keepdim=True) - low_T1).div_(_LEVELS).clamp_min_(torch.finfo(torch.float32).tiny)
    # By way of -128 … 127: torch turns numbers into signed bytes much faster than into unsigned ones.
    signed_TK = x_TK.sub(low_T1).mul_(step_T1.reciprocal()).sub_(128).round_().to(torch.int8)
    return Rows(level_TK=signed_TK.view(torch.uint8).bitwise_xor_(128), step_T1=step_T1, low_T1=low_T1)


class RowQuantizer(nn.Module):
    """`quantize_rows` as a module: stands before linear layers that read the same rows."""

    def forward(self, x_TK: Tensor) -> Rows:
        """(T, K) to levels, steps and minima."""
        return quantize_rows(x_TK)


def quantize_weight(weight_NK: Tensor) -> tuple[Tensor, Tensor]:
    """Whole numbers (N, K) in int8 and the step of each row (N,).

    A processor without an 8-bit dot product adds the products of neighbouring inputs in 16 bits, where
    255 · (a + b) may overflow. So the step is such that no neighbours of one sign sum to more than 128, and every
    processor computes the same exact sums; it costs about half a bit.
    """
    pair_NK2 = nn.functional.pad(weight_NK.float(), (0, weight_NK.shape[1] % 2)).view(weight_NK.shape[0], -1, 2)
    positive_N = pair_NK2.clamp_min(0).sum(2).amax(1)
    negative_N = pair_NK2.clamp_max(0).sum(2).amin(1).neg()
    step_N = torch.maximum(positive_N, negative_N).div_(_MOST).clamp_min_(torch.finfo(torch.float32).tiny)
    return weight_NK.float().div(step_N[:, None]).round_().to(torch.int8), step_N


class QuantizedLinear(nn.Module):
    """A linear layer with 8-bit weights, for rows in 8 bits or rows that it quantizes itself."""

    def __init__(self, inputs: int, outputs: int, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.dtype = dtype
        """The type of what comes out."""
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, dtype=torch.int8), requires_grad=False)
        self.weight_scale = nn.Parameter(torch.ones(outputs), requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(outputs), requires_grad=False)
        self._packed: tuple[Tensor, Tensor, Tensor] | None = None

    @classmethod
    def of(cls, linear: nn.Linear, dtype: torch.dtype = torch.float32) -> QuantizedLinear:
        """Quantize a linear layer."""
        quantized = cls(linear.in_features, linear.out_features, dtype)
        with torch.no_grad():
            weight_NK, step_N = quantize_weight(linear.weight)
            quantized.weight.copy_(weight_NK)
            quantized.weight_scale.copy_(step_N)
            if linear.bias is not None:
                quantized.bias.copy_(linear.bias)
        return quantized

    def forward(self, x_TK: Tensor | Rows) -> Tensor:
        """(T, K) to (T, N). An input that asks for gradients raises ModelError."""
        if isinstance(x_TK, Tensor):
            if x_TK.requires_grad:
                raise ModelError("an int8 model cannot be trained; train the model it was made of")
            x_TK = quantize_rows(x_TK)
        packed, zero_N, ends_2N = self._ready()
        sum_TN = torch.ops.onednn.qlinear_pointwise(
            x_TK.level_TK, 1.0, 0, packed, self.weight_scale, zero_N, None, 1.0, 0, torch.float32, "none", [], ""
        )
        # W (level * step + low) + b: the rows' minima meet the sums of the weights, as a product with two inputs.
        low_T2 = torch.cat([x_TK.low_T1, torch.ones_like(x_TK.low_T1)], 1)
        result_TN: Tensor = sum_TN.mul_(x_TK.step_T1).addmm_(low_T2, ends_2N)
        return result_TN.to(self.dtype)

    def _ready(self) -> tuple[Tensor, Tensor, Tensor]:
        """The weights as oneDNN wants them, zero points, and what the rows' minima and the bias come from."""
        if self._packed is None:
            sums_N = self.weight.float().sum(1) * self.weight_scale
            self._packed = (
                torch.ops.onednn.qlinear_prepack(self.weight.detach(), None),
                torch.zeros(self.weight.shape[0], dtype=torch.int32),
                torch.stack([sums_N, self.bias]).detach(),
            )
        return self._packed

    def _load_from_state_dict(self, *arguments: Any) -> None:
        super()._load_from_state_dict(*arguments)
        self._packed = None

    def __getstate__(self) -> dict[str, Any]:
        # What oneDNN packed can be neither copied nor pickled.
        return {**self.__dict__, "_packed": None}


def is_quantized(model: nn.Module) -> bool:
    """Whether the model has 8-bit layers."""
    return any(isinstance(module, QuantizedLinear) for module in model.modules())


def quantize(model: Model) -> Model:
    """Put 8-bit linear layers into the encoder's layers, in place, and return the model in evaluation mode.

    Raises:
        ConfigError: the model is not on a CPU, or torch has no 8-bit product here.
    """
    device = next(model.parameters()).device.type
    if device not in ("cpu", "meta"):
        raise ConfigError(f"int8 runs on a CPU; the model is on {device}")
    if not has_int8_product():
        raise ConfigError("int8 needs a torch that was built with oneDNN; use float32")
    for layer in model.modules():
        if isinstance(layer, EncoderLayer):
            _quantize_layer(layer)
    return model.eval()


def _quantize_layer(layer: EncoderLayer) -> None:
    scores = torch.bfloat16 if has_bf16_unit() else torch.float32
    for module in list(layer.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Linear):
                setattr(module, name, QuantizedLinear.of(child, scores if module is layer.attention else torch.float32))
    layer.attention.shared = RowQuantizer()
    layer.most_tokens = _TOKENS_IN_CACHE
