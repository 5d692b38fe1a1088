"""Answers in 8 bits on a CPU: ours against transformers, PyTorch's dynamic quantization of it, and ONNX Runtime's.

usage: python benchmarks/int8.py [--quick] [--layers 12] [--rounds 5] [--sequences 64] [--texts FILE] [--json FILE]

All have the same weights and the same batches of 16 sequences of like length; ours gets them packed, the others padded.
Lengths are log-normal (median 180, sigma 0.6, clipped to 20–512), the sequences real text of that many pieces. Weights
are random with the spread of trained ones and a few outlier columns in every LayerNorm, which makes 8 bits hard.
A row is pieces a second; its note says how far logits are from those of ours in float32, whose standard deviation the
first line tells. ONNX Runtime runs what `korsci export onnx --int8` writes; without its packages that row is left out.
bfloat16 is measured where the CPU has a unit for it.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import tempfile
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor

from _measure import in_turn, make_tokenizer, read_lines, seconds
from _table import Row, Table, add_options
from korscideberta import DebertaV2Config, DebertaV2ForSequenceClassification
from korscideberta.cpu import has_bf16_unit
from korscideberta.errors import DependencyError
from korscideberta.export.onnx import check_onnx, export_onnx
from korscideberta.model.quantized import quantize

OUTLIERS = {7: (4.0, 3.0), 301: (12.0, -8.0), 500: (6.0, 0.0)}
"""Columns, and the weight and bias that LayerNorms have there."""
BATCH = 16
Batch = list[Tensor]
Answer = Callable[[Batch], Tensor]


def trained_like(config: DebertaV2Config) -> DebertaV2ForSequenceClassification:
    """A classifier whose weights are spread as those of a trained one are."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    model = DebertaV2ForSequenceClassification(config).eval().requires_grad_(False)
    for name, parameter in model.named_parameters():
        if name == "classifier.weight":
            parameter.normal_(0, 0.1, generator=generator)
        elif ".layers." in name and parameter.dim() == 2:
            parameter.normal_(0, 0.04, generator=generator)
        elif ".layers." in name and ".norm." in name:
            weight = name.endswith("weight")
            parameter.normal_(0.9 if weight else 0.0, 0.1, generator=generator)
            for column, values in OUTLIERS.items():
                parameter[column] = values[0 if weight else 1]
    return model


def batches(tokenizer: Any, lines: Sequence[str], count: int) -> list[Batch]:
    """Sequences of real text, sorted by length, a few at a time."""
    generator = torch.Generator().manual_seed(0)
    lengths = ((torch.randn(count, generator=generator) * 0.6).exp() * 180).long().clamp(20, 512).sort().values.tolist()
    pieces: list[int] = []
    for line in lines:
        pieces += tokenizer(line)["input_ids"][1:-1]
        if len(pieces) > 512 * count:
            break
    rows = []
    for row, length in enumerate(lengths):
        begin = row * 512 % max(1, len(pieces) - 512)
        rows.append(torch.tensor([tokenizer.cls_token_id, *pieces[begin : begin + length - 2], tokenizer.sep_token_id]))
    return [rows[first : first + BATCH] for first in range(0, count, BATCH)]


def padded(batch: Batch) -> tuple[Tensor, Tensor]:
    """Ids and mask, (B, N) each."""
    ids = torch.nn.utils.rnn.pad_sequence(batch, batch_first=True)
    lengths = torch.tensor([len(row) for row in batch])
    return ids, (torch.arange(ids.shape[1]) < lengths[:, None]).long()


def ours(model: Any, batch: Batch) -> Tensor:
    """Logits of this package's model."""
    starts = torch.tensor([0, *(len(row) for row in batch[:-1])]).cumsum(0)
    logits: Tensor = model(torch.cat(batch), starts=starts).logits.float()
    return logits


def theirs(model: Any, batch: Batch) -> Tensor:
    """Logits of transformers' model."""
    ids, mask = padded(batch)
    logits: Tensor = model(input_ids=ids, attention_mask=mask).logits.float()
    return logits


def dynamic(model: Any) -> Any:
    """A model with PyTorch's dynamic quantization."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(copy.deepcopy(model), {torch.nn.Linear}, dtype=torch.qint8)


def in_onnx(folder: Path, tokenizer: Any, out: Path, text: str) -> Answer | None:
    """ONNX Runtime's dynamic int8 of our graph; None where it is not installed."""
    try:
        check_onnx()
    except DependencyError:
        return None
    import onnxruntime

    dense = DebertaV2ForSequenceClassification.from_pretrained(folder, attention="dense")
    export_onnx(dense, tokenizer, out, int8=True, texts=[text])
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(out / "model_int8.onnx"), settings, providers=["CPUExecutionProvider"])

    def answer(batch: Batch) -> Tensor:
        ids, mask = padded(batch)
        (logits,) = session.run(None, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()})
        return torch.from_numpy(logits)

    return answer


def systems(folder: Path, tokenizer: Any, out: Path, text: str) -> dict[str, Answer]:
    """What is measured, by name."""
    exact = DebertaV2ForSequenceClassification.from_pretrained(folder)
    peer = transformers.AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    found: dict[str, Answer] = {
        "ours float32": partial(ours, exact),
        "ours int8": partial(ours, quantize(copy.deepcopy(exact))),
    }
    if has_bf16_unit():
        found["ours bf16"] = partial(ours, copy.deepcopy(exact).to(torch.bfloat16))
        found["transformers bf16"] = partial(theirs, copy.deepcopy(peer).to(torch.bfloat16))
    found["transformers float32"] = partial(theirs, peer)
    found["PyTorch dynamic int8 of transformers"] = partial(theirs, dynamic(peer))
    if (session := in_onnx(folder, tokenizer, out, text)) is not None:
        found["ONNX Runtime dynamic int8"] = session
    return found


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, "2 layers, 32 sequences and 2 rounds")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--sequences", type=int)
    parser.add_argument("--texts", type=Path, help="Korean lines; default: science_books of $KORSCI_SHARED or samples")
    options = parser.parse_args()
    layers = options.layers or (2 if options.quick else 12)
    rounds = options.rounds or (2 if options.quick else 5)
    count = options.sequences or (32 if options.quick else 64)
    transformers.logging.set_verbosity_error()
    name, lines = read_lines(options.texts)
    with tempfile.TemporaryDirectory() as temporary, torch.inference_mode():
        folder = Path(temporary) / "model"
        tokenizer = make_tokenizer(lines, folder)
        config = DebertaV2Config(vocab_size=len(tokenizer), num_hidden_layers=layers)
        with torch.inference_mode(False):
            trained_like(config.with_labels([f"field {number}" for number in range(33)])).save_pretrained(folder)
            answers = systems(folder, tokenizer, Path(temporary) / "onnx", lines[0])
        work = batches(tokenizer, lines, count)
        logits = {who: torch.cat([answer(batch) for batch in work]) for who, answer in answers.items()}
        exact = logits["ours float32"]
        table = Table(
            "int8",
            f"{layers} layers x 768, {count} sequences of {name}, batches of {BATCH}, median of {rounds}; "
            f"standard deviation of a logit {float(exact.std()):.2f}",
            options,
        )
        calls = {
            who: partial(seconds, partial(lambda one: [one(batch) for batch in work], answer))
            for who, answer in answers.items()
        }
        times = in_turn(calls, rounds)
    total = sum(len(row) for batch in work for row in batch)
    for mine in (who for who in answers if who.startswith("ours")):
        for peer in (who for who in answers if who != mine and not (who.startswith("ours") and mine == "ours float32")):
            table.add(compared_row(mine, peer, times, total, logits))


def compared_row(mine: str, peer: str, times: Sequence[dict[str, float]], total: int, logits: dict[str, Tensor]) -> Row:
    """Ours against one other, with the logit errors of both."""
    error = {who: (logits[who] - logits["ours float32"]).abs() for who in (mine, peer)}
    told = (f"{float(error[who].mean()):.2g} (at most {float(error[who].max()):.2g})" for who in (mine, peer))
    return Row(
        name=mine,
        unit="pieces/s",
        against=peer,
        peer=total / statistics.median(one[peer] for one in times),
        ours=total / statistics.median(one[mine] for one in times),
        ratio=statistics.median(one[peer] / one[mine] for one in times),
        note="logits off by {}, the other's by {}".format(*told),
        details={"rounds": [{who: one[who] for who in (mine, peer)} for one in times]},
    )


if __name__ == "__main__":
    main()
