"""A fine-tuned model as one ONNX graph for any batch and length, its tokenizer beside it, checked against PyTorch."""

# Shapes: B sequences, N places of a batch

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from korscideberta.errors import ConfigError, DependencyError, ModelError
from korscideberta.files import write_json
from korscideberta.hub import locate
from korscideberta.model import heads
from korscideberta.model.checkpoints import require_trained
from korscideberta.model.encoder import PretrainedModel
from korscideberta.model.quantized import is_quantized
from korscideberta.run import RunDirectory
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer

logger = logging.getLogger(__name__)

HEADS = {
    head.__name__: head
    for head in (
        heads.DebertaV2ForSequenceClassification,
        heads.DebertaV2ForTokenClassification,
        heads.DebertaV2ForQuestionAnswering,
    )
}
"""Models that can be exported, by the name in config.json."""
TOLERANCE = 1e-3
"""Largest difference of a logit from PyTorch's that float32 rounding explains."""

_OPSET = 18
_LONGEST = 512
_SHAPES = ((1, 2), (3, 17), (2, 64), (5, 130))
_ONE_FILE = 1_900_000_000
"""Bytes of weights that fit in one file of the format, which ends at 2 GB."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written, and how far its logits are from those of PyTorch."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    sizes: dict[str, int]
    """Bytes of each graph, by file name."""
    differences: dict[str, float]
    """The largest difference of a logit on random ids and on the texts, by file name."""
    agreement: dict[str, float]
    """Share of the answers (the largest logit) that are the same, by file name."""


class _Graph(nn.Module):
    """A model as a function of tensors alone."""

    def __init__(self, model: PretrainedModel, types: bool) -> None:
        super().__init__()
        self.model = model
        self.types = types

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """(B, N) inputs to the logits, of reading to those of start and end."""
        output = self.model(input_ids, attention_mask, token_type_ids)
        if isinstance(self.model, heads.DebertaV2ForQuestionAnswering):
            return output.start_logits, output.end_logits
        return (output.logits,)


def load_for_export(source: str | Path) -> tuple[PretrainedModel, DebertaV2Tokenizer]:
    """The model and tokenizer of a run directory, a model folder or a hub repository.

    Raises:
        ModelError: there is no finished model, its head was never trained, or its layers are in 8 bits.
        ConfigError: a head that cannot be exported.
    """
    run = RunDirectory(Path(source))
    folder = run.model if run.settings_file.is_file() else locate(source, "model")
    try:
        names = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("architectures") or []
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder / 'config.json'}: cannot be read ({error}); is the run finished?") from None
    found = [HEADS[name] for name in names if name in HEADS]
    if not found:
        raise ConfigError(f"{folder}: {', '.join(names) or 'a model without a head'} cannot be exported to ONNX; "
                          f"these can: {', '.join(HEADS)}")  # fmt: skip
    # The textbook form: its gathers are what runtimes know best.
    model: PretrainedModel = found[0].from_pretrained(folder, attention="dense")
    require_trained(model, model.load_report, source)
    if is_quantized(model):
        raise ModelError(
            f"{folder}: an int8 model has no graph; export the model it was made of, with --int8 for a graph in 8 bits"
        )
    tokenizer = DebertaV2Tokenizer.from_pretrained(source if folder != run.model else folder)
    return model.eval(), tokenizer


def export_onnx(
    model: PretrainedModel, tokenizer: DebertaV2Tokenizer, out: Path, *, int8: bool, texts: Sequence[str]
) -> Exported:
    """Write `model.onnx`, with `int8` also `model_int8.onnx`, config.json and the tokenizer into the new folder `out`.

    Inputs are `input_ids`, `attention_mask` and, where the model has token types, `token_type_ids`, int64 (B, N) each.
    The int8 graph has weights in 8 bits by channel and activations in 8 bits by tensor (ONNX Runtime's dynamic kind).

    Args:
        model: in evaluation mode, with dense attention.
        tokenizer: whose recipe is written beside the graph.
        out: a folder that is not there yet or empty.
        int8: whether to write the quantized graph too.
        texts: real texts to check the graphs on, besides random ids.

    Raises:
        DependencyError: onnx, onnxscript or onnxruntime is missing.
        ConfigError: `out` has something in it.
        ModelError: the graph answers differently from the model.
    """
    check_onnx()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"--out {out}: exists already; name a new folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as temporary:
        folder = Path(temporary) / out.name
        folder.mkdir()
        names = _write_graph(model, folder / "model.onnx")
        if int8:
            _quantize(folder / "model.onnx", folder / "model_int8.onnx")
        write_json(folder / "config.json", {"architectures": [type(model).__name__], **model.config.to_dict()})
        tokenizer.save_pretrained(folder)
        exported = _checked(model, folder, names, _batches(model, tokenizer, texts))
        if out.exists():
            out.rmdir()
        shutil.move(folder, out)
    return exported


def check_onnx() -> None:
    """Raise DependencyError, naming the command that installs them, unless the packages of ONNX are there."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise DependencyError(
            f"exporting to ONNX needs the package {error.name}; run: pip install 'korscideberta[onnx]'"
        ) from None


def _input_names(model: PretrainedModel) -> tuple[str, ...]:
    types = ("token_type_ids",) if model.config.type_vocab_size else ()
    return ("input_ids", "attention_mask", *types)


def _write_graph(model: PretrainedModel, path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    inputs = _input_names(model)
    outputs = ("start_logits", "end_logits") if isinstance(model, heads.DebertaV2ForQuestionAnswering) else ("logits",)
    ids_BN = torch.full((2, 9), model.config.pad_token_id + 1)
    mask_BN = torch.ones_like(ids_BN)
    mask_BN[1, 5:] = 0
    example = (ids_BN, mask_BN, torch.zeros_like(ids_BN))[: len(inputs)]
    limit = model.config.max_position_embeddings if model.config.position_biased_input else None
    shape = {0: torch.export.Dim("batch", min=1), 1: torch.export.Dim("length", min=2, max=limit)}
    with _quiet():
        program: Any = torch.onnx.export(
            _Graph(model, len(inputs) == 3),
            example,
            dynamo=True,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=tuple(shape for _ in inputs),
            opset_version=_OPSET,
            verbose=False,
        )
        size = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
        program.save(str(path), external_data=size > _ONE_FILE)
    return inputs, outputs


def _quantize(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _quiet():
        # Without VNNI sums of two products saturate 16 bits unless the weights have 7.
        narrow = not torch.cpu._is_vnni_supported()
        quantize_dynamic(
            source,
            target,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=narrow,
            op_types_to_quantize=["MatMul", "Gemm"],
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter and the quantizer say of packages and steps that concern nobody here."""
    talkers = [logging.getLogger(), *(logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir"))]
    before = [talker.level for talker in talkers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for talker in talkers:
            talker.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for talker, level in zip(talkers, before, strict=True):
                talker.setLevel(level)


Batch = dict[str, Tensor]


def _batches(model: PretrainedModel, tokenizer: DebertaV2Tokenizer, texts: Sequence[str]) -> list[Batch]:
    """Random ids in several shapes, the last of each batch's rows half as long, and the texts."""
    random = torch.Generator().manual_seed(0)
    longest = min(model.config.max_position_embeddings, _LONGEST)
    batches = []
    for rows, length in (*_SHAPES, (1, longest)):
        ids_BN = torch.randint(len(tokenizer), (rows, min(length, longest)), generator=random)
        mask_BN = torch.ones_like(ids_BN)
        if rows > 1:
            mask_BN[-1, ids_BN.shape[1] // 2 :] = 0
        batches.append({"input_ids": ids_BN, "attention_mask": mask_BN, "token_type_ids": torch.zeros_like(ids_BN)})
    if texts:
        encoded = tokenizer(list(texts), padding=True, truncation=True, max_length=longest, return_tensors="pt")
        batches.append({name: encoded[name] for name in ("input_ids", "attention_mask", "token_type_ids")})
    return batches


def _checked(
    model: PretrainedModel, folder: Path, names: tuple[tuple[str, ...], tuple[str, ...]], batches: Sequence[Batch]
) -> Exported:
    import onnxruntime

    inputs, outputs = names
    expected = []
    for batch in batches:
        with torch.inference_mode():
            found = _Graph(model, len(inputs) == 3)(*(batch[name] for name in inputs))
        expected.append([tensor.numpy() for tensor in found])
    differences, agreement = {}, {}
    paths = sorted(folder.glob("*.onnx"))
    for path in paths:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        largest, same = 0.0, []
        for batch, wanted in zip(batches, expected, strict=True):
            given = session.run(list(outputs), {name: batch[name].numpy() for name in inputs})
            if isinstance(model, heads.DebertaV2ForTokenClassification):
                real_BN = batch["attention_mask"].numpy() == 1
                given, wanted = [given[0][real_BN]], [wanted[0][real_BN]]
            for one, other in zip(given, wanted, strict=True):
                largest = max(largest, float(np.abs(one - other).max()))
                same.append(one.argmax(-1) == other.argmax(-1))
        differences[path.name] = largest
        agreement[path.name] = float(np.concatenate([each.ravel() for each in same]).mean())
    if differences["model.onnx"] > TOLERANCE:
        raise ModelError(
            f"the graph's logits differ from the model's by up to {differences['model.onnx']:.2g}; nothing was written"
        )
    return Exported(
        inputs=inputs,
        outputs=outputs,
        sizes={path.name: path.stat().st_size for path in paths},
        differences=differences,
        agreement=agreement,
    )
