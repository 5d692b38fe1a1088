"""Encoder speed and memory: ours against transformers, same weights, alternating in one process.

usage: python benchmarks/model.py [--quick] [--layers 12] [--rounds 5] [--cases NAME …] [--no-memory] [--json FILE]

Prints for every case the median time of each, the median of the pairwise time ratios (above 1: ours is faster), the
peak memory of each above its weights, and the share of the peer's that ours needs. Forward cases run in evaluation
mode without gradients; training cases run forward and backward in training mode, dropout on, as fine-tuning does, the
bfloat16 one under autocast over float32 weights. The forward bfloat16 case has bfloat16 weights.

mixed: sequences of log-normal length (median 180, sigma 0.6, clipped to 20–512), padded to the longest of the batch, as
transformers does; both get the same padded ids and mask.
mlm: 15 % of the tokens have labels; the loss and its backward. Ours runs the enhanced mask decoder in place of the last
layer, transformers its plain last layer.

Memory: a child process for each figure. It loads the model, runs nothing before, resets the kernel's high-water mark of
its resident memory, runs the case once and reads the mark (Linux; elsewhere the columns stay empty). Gradients count.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers

from _measure import compared, in_child, in_turn, memory_is_told, peak_mib, save_classifier, seconds
from _table import Row, Table, add_options
from korscideberta import DebertaV2Config, DebertaV2ForMaskedLM, DebertaV2ForSequenceClassification

FIRST_PIECE = 5


@dataclass(frozen=True)
class Case:
    """One row of the table: what runs, on which batch."""

    name: str
    kind: str
    """forward, training or mlm."""
    bfloat16: bool = False
    length: int | None = None
    """Places of every sequence; None draws lengths."""
    sequences: int = 4


CASES = (
    Case("forward float32 128", "forward", length=128, sequences=16),
    Case("forward float32 256", "forward", length=256, sequences=8),
    Case("forward float32 512", "forward", length=512),
    Case("forward bfloat16 512", "forward", bfloat16=True, length=512),
    Case("forward float32 4096", "forward", length=4096, sequences=1),
    Case("forward float32 mixed", "forward", sequences=16),
    Case("training float32 512", "training", length=512),
    Case("training bfloat16 512", "training", bfloat16=True, length=512),
    Case("mlm float32 512", "mlm", length=512),
    Case("mlm bfloat16 512", "mlm", bfloat16=True, length=512),
)


def batch(case: Case, pieces: int) -> dict[str, torch.Tensor]:
    """The same batch for both, from a fixed seed."""
    generator = torch.Generator().manual_seed(0)
    if case.length is None:
        drawn = (torch.randn(case.sequences, generator=generator) * 0.6).exp() * 180
        lengths = drawn.long().clamp(20, 512)
    else:
        lengths = torch.full((case.sequences,), case.length)
    shape = case.sequences, int(lengths.max())
    mask = (torch.arange(shape[1]) < lengths[:, None]).long()
    ids = torch.randint(FIRST_PIECE, pieces, shape, generator=generator) * mask
    inputs = {"input_ids": ids, "attention_mask": mask}
    if case.kind == "mlm":
        wanted = (torch.rand(shape, generator=generator) < 0.15) & (mask == 1)
        inputs["labels"] = torch.where(wanted, ids, -100)
    return inputs


def load(who: str, case: Case, folder: Path) -> torch.nn.Module:
    """One of the two models of a case, from the weights both share."""
    folder = folder / ("mlm" if case.kind == "mlm" else "classification")
    model: Any
    if who == "ours":
        ours = DebertaV2ForMaskedLM if case.kind == "mlm" else DebertaV2ForSequenceClassification
        model = ours.from_pretrained(folder)
    else:
        auto = (
            transformers.AutoModelForMaskedLM if case.kind == "mlm" else transformers.AutoModelForSequenceClassification
        )
        model = auto.from_pretrained(folder, dtype=torch.float32)
    if case.bfloat16 and case.kind == "forward":
        model.to(torch.bfloat16)
    return model.train(case.kind != "forward")  # type: ignore[no-any-return]


def work(model: torch.nn.Module, case: Case, inputs: dict[str, torch.Tensor]) -> Callable[[], None]:
    """Return a call that runs the case once."""

    def forward() -> None:
        with torch.inference_mode():
            model(**inputs)

    def training() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=case.bfloat16):
            output = model(**inputs)
        loss = output.loss if case.kind == "mlm" else output.logits.float().square().mean()
        loss.backward()
        model.zero_grad(set_to_none=True)

    return forward if case.kind == "forward" else training


def peak(who: str, case: Case, folder: Path) -> float:
    """MiB that the case takes at most above what stands in memory once the model is loaded. In a child process."""
    model = load(who, case, folder)
    call = work(model, case, batch(case, model.config.vocab_size))  # type: ignore[union-attr,arg-type]
    return peak_mib(call, above=True)


def measure(case: Case, folder: Path, rounds: int, *, memory: bool) -> Row:
    """One row of the table."""
    peaks = {
        f"{who}_mib": in_child(__file__, ["--peak", who, "--cases", case.name, "--folder", folder])
        for who in ("peer", "ours")
        if memory and memory_is_told()
    }
    models = {who: load(who, case, folder) for who in ("peer", "ours")}
    calls = {
        who: work(model, case, batch(case, model.config.vocab_size))  # type: ignore[union-attr,arg-type]
        for who, model in models.items()
    }
    for call in calls.values():
        call()
    times = in_turn({who: partial(seconds, call) for who, call in calls.items()}, rounds)
    return Row(name=case.name, unit="s", **compared(times, less_is_better=True), **peaks)


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [case.name for case in CASES]
    add_options(parser, "2 layers and 2 rounds")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--cases", nargs="+", choices=names, default=names, metavar="NAME", help="; ".join(names))
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--peak", choices=("peer", "ours"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    chosen = [case for case in CASES if case.name in options.cases]
    if options.peak:
        print(json.dumps(peak(options.peak, chosen[0], options.folder)))
        return
    layers = options.layers or (2 if options.quick else 12)
    rounds = options.rounds or (2 if options.quick else 5)
    transformers.logging.set_verbosity_error()
    table = Table("model", f"{layers} layers x 768, median of {rounds}", options)
    with tempfile.TemporaryDirectory() as name:
        config = DebertaV2Config(num_hidden_layers=layers)
        save_classifier(Path(name) / "classification", config)
        torch.manual_seed(0)
        DebertaV2ForMaskedLM(config).save_pretrained(Path(name) / "mlm")
        for case in chosen:
            table.add(measure(case, Path(name), rounds, memory=not options.no_memory))


if __name__ == "__main__":
    main()
