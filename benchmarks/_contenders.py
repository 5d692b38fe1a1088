"""Who labels texts in benchmarks/predict.py: each is given texts and gives the probabilities of the labels.

Shapes: N texts, B of them in a batch, L tokens, C labels.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
import torch
import transformers
from numpy.typing import NDArray

from _measure import load_classifier
from _recipe import released_ids
from korscideberta import DebertaV2Tokenizer, Predictor
from korscideberta.hf import DebertaV2Tokenizer as BridgedTokenizer
from korscideberta.prediction import PredictorSettings

LABELS = tuple(f"label {number}" for number in range(7))
MAX_LENGTH = 512
BATCH = 16
GRAPHS = "onnx"
"""Folder of the exported graphs, beside the run."""

Probabilities = NDArray[np.float64]
Contender = Callable[[Sequence[str]], Probabilities]


class ReleasedTokenizer(BridgedTokenizer):
    """Our tokenizer's ids, made as the released code makes them."""

    def __init__(self, tokenizer: DebertaV2Tokenizer, **settings: Any) -> None:
        super().__init__(tokenizer, **settings)
        self.processor = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.pieces.model)

    def _encode_plus(self, text: Any, *arguments: Any, **options: Any) -> transformers.BatchEncoding:
        single = isinstance(text, str)
        rows = released_ids([text] if single else text, self.processor)
        specials = self.native.num_special_tokens_to_add()
        ids = [self.build_inputs_with_special_tokens(row[: MAX_LENGTH - specials]) for row in rows]
        found = {"input_ids": ids, "attention_mask": [[1] * len(row) for row in ids]}
        if options.get("return_tensors") == "pt":
            # The pipeline asks for one text at a time, which needs no padding.
            return transformers.BatchEncoding({name: torch.tensor(value) for name, value in found.items()})
        return transformers.BatchEncoding({name: value[0] if single else value for name, value in found.items()})


def ours(precision: str) -> Callable[[Path], Contender]:
    """`Predictor` in a precision of `korsci predict`."""

    def start(run: Path) -> Contender:
        settings = PredictorSettings(top_k=len(LABELS))
        predictor = Predictor.load(run, device="cpu", precision=precision, settings=settings)

        def label(texts: Sequence[str]) -> Probabilities:
            answers = (
                {one["label"]: one["probability"] for one in prediction["labels"]}
                for prediction in predictor.predict(texts)
            )
            return np.array([[answer[name] for name in LABELS] for answer in answers])

        label.precision = predictor.run.precision  # type: ignore[attr-defined]
        return label

    return start


def pipeline(run: Path) -> Contender:
    """transformers' pipeline: float32, batches of 16 in the order of the texts, the released tokenizer."""
    made = transformers.pipeline(
        "text-classification", model=load_classifier("peer", run / "model"), device="cpu", batch_size=BATCH,
        tokenizer=ReleasedTokenizer(DebertaV2Tokenizer.from_pretrained(run / "model")), top_k=None,
    )  # fmt: skip

    def label(texts: Sequence[str]) -> Probabilities:
        answers = ({one["label"]: one["score"] for one in answer} for answer in made(list(texts), truncation=True))
        return np.array([[answer[name] for name in LABELS] for answer in answers])

    return label


def batched(
    run: Path, logits: Callable[[torch.Tensor, torch.Tensor], NDArray[np.float32]], *, by_length: bool
) -> Contender:
    """Batches of 16 texts padded to their longest, in the order of the texts or of their lengths; our tokenizer."""
    tokenizer = DebertaV2Tokenizer.from_pretrained(run / "model")

    def label(texts: Sequence[str]) -> Probabilities:
        ids = tokenizer(list(texts), truncation=True, max_length=MAX_LENGTH)["input_ids"]
        order = sorted(range(len(ids)), key=lambda row: -len(ids[row])) if by_length else list(range(len(ids)))
        found = np.empty((len(ids), len(LABELS)))
        for first in range(0, len(order), BATCH):
            rows = order[first : first + BATCH]
            longest = max(len(ids[row]) for row in rows)
            ids_BL = torch.full((len(rows), longest), tokenizer.pad_token_id)
            for place, row in enumerate(rows):
                ids_BL[place, : len(ids[row])] = torch.tensor(ids[row])
            mask_BL = torch.arange(longest) < torch.tensor([len(ids[row]) for row in rows])[:, None]
            logits_BC = logits(ids_BL, mask_BL.long()).astype(np.float64)
            raised = np.exp(logits_BC - logits_BC.max(axis=1, keepdims=True))
            found[rows] = raised / raised.sum(axis=1, keepdims=True)
        return found

    return label


def eager(dtype: torch.dtype, *, by_length: bool) -> Callable[[Path], Contender]:
    """The model of transformers."""

    def start(run: Path) -> Contender:
        model = load_classifier("peer", run / "model").to(dtype).eval()

        def logits(ids_BL: torch.Tensor, mask_BL: torch.Tensor) -> NDArray[np.float32]:
            with torch.inference_mode():
                found: NDArray[np.float32] = model(ids_BL, attention_mask=mask_BL).logits.float().numpy()
            return found

        return batched(run, logits, by_length=by_length)

    return start


def onnx_int8(run: Path) -> Contender:
    """ONNX Runtime with the graph of `korsci export onnx --int8`, batches sorted by length."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    graph = run / GRAPHS / "model_int8.onnx"
    session = onnxruntime.InferenceSession(os.fspath(graph), options, providers=["CPUExecutionProvider"])

    def logits(ids_BL: torch.Tensor, mask_BL: torch.Tensor) -> NDArray[np.float32]:
        inputs = {"input_ids": ids_BL.numpy(), "attention_mask": mask_BL.numpy()}
        found: NDArray[np.float32] = session.run(["logits"], inputs)[0]
        return found

    return batched(run, logits, by_length=True)


CONTENDERS: dict[str, Callable[[Path], Contender]] = {
    "ours auto": ours("auto"),
    "ours int8": ours("int8"),
    "ours bf16": ours("bf16"),
    "ours float32": ours("float32"),
    "pipeline": pipeline,
    "transformers bf16": eager(torch.bfloat16, by_length=False),
    "transformers float32": eager(torch.float32, by_length=True),
    "ONNX Runtime int8": onnx_int8,
}
