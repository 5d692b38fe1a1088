"""Encoder speed and memory: ours against transformers, same weights, alternating in one process.

usage: python benchmarks/model.py [--quick] [--layers 12] [--rounds 5] [--cases NAME …] [--no-memory] [--out FILE.json]

Prints for every case the median time of each, the median of the pairwise time ratios (above 1: ours is faster), the
peak memory of each above its weights, and the memory ratio (below 1: ours needs less). Forward cases run in evaluation
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
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from korscideberta import DebertaV2Config, DebertaV2ForMaskedLM, DebertaV2ForSequenceClassification

FIRST_PIECE = 5
CLEAR_REFS = Path("/proc/self/clear_refs")


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


def seconds(call: Callable[[], None]) -> float:
    """Time one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def resident(field: str) -> float:
    """A figure of this process's resident memory, in MiB: VmRSS is now, VmHWM the most since it was reset."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


def peak(who: str, case: Case, folder: Path) -> float:
    """MiB that the case takes at most above what stands in memory once the model is loaded. In a child process."""
    model = load(who, case, folder)
    call = work(model, case, batch(case, model.config.vocab_size))  # type: ignore[union-attr,arg-type]
    CLEAR_REFS.write_text("5", encoding="ascii")
    before = resident("VmRSS")
    call()
    return resident("VmHWM") - before


def peak_in_child(who: str, case: Case, folder: Path) -> float | None:
    """`peak`, measured in a fresh process; None where the system cannot tell."""
    if not CLEAR_REFS.exists():
        return None
    command = [sys.executable, __file__, "--peak", who, "--cases", case.name, "--folder", str(folder)]
    root = Path(__file__).resolve().parents[1]
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    return float(done.stdout.split()[-1])


def measure(case: Case, folder: Path, rounds: int, *, memory: bool) -> dict[str, Any]:
    """One row of the table."""
    peaks = {who: peak_in_child(who, case, folder) if memory else None for who in ("peer", "ours")}
    models = [load(who, case, folder) for who in ("peer", "ours")]
    calls = [work(model, case, batch(case, model.config.vocab_size)) for model in models]  # type: ignore[union-attr,arg-type]
    for call in calls:
        call()
    times = [(seconds(calls[0]), seconds(calls[1])) for _ in range(rounds)]
    peer_s, ours_s = (statistics.median(column) for column in zip(*times, strict=True))
    row = {"case": case.name, "peer_s": peer_s, "ours_s": ours_s}
    row["time_ratio"] = statistics.median(theirs / mine for theirs, mine in times)
    row["times_s"] = times
    peer_mib, ours_mib = peaks["peer"], peaks["ours"]
    row |= {"peer_mib": peer_mib, "ours_mib": ours_mib}
    row["memory_ratio"] = None if peer_mib is None or ours_mib is None else ours_mib / peer_mib
    return row


def show(row: dict[str, Any]) -> None:
    """Print one row."""
    mib = "".join(f"{row[name]:10.0f}" if row[name] is not None else f"{'':10}" for name in ("peer_mib", "ours_mib"))
    ratio = f"{row['memory_ratio']:8.2f}" if row["memory_ratio"] is not None else ""
    print(f"{row['case']:24}{row['peer_s']:9.3f}{row['ours_s']:9.3f}{row['time_ratio']:8.2f}{mib}{ratio}", flush=True)


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [case.name for case in CASES]
    parser.add_argument("--quick", action="store_true", help="2 layers and 2 rounds")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--cases", nargs="+", choices=names, default=names, metavar="NAME", help="; ".join(names))
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--peak", choices=("peer", "ours"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    chosen = [case for case in CASES if case.name in options.cases]
    if options.peak:
        print(peak(options.peak, chosen[0], options.folder))
        return
    layers = options.layers or (2 if options.quick else 12)
    rounds = options.rounds or (2 if options.quick else 5)
    transformers.logging.set_verbosity_error()
    cpu = f"{platform.processor() or platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    print(f"{cpu}, {torch.get_num_threads()} threads, {versions}")
    print(f"{layers} layers x 768, median of {rounds}\n")
    print(f"{'':24}{'peer s':>9}{'ours s':>9}{'ratio':>8}{'peer MiB':>10}{'ours MiB':>10}{'ratio':>8}")
    rows = []
    with tempfile.TemporaryDirectory() as name:
        torch.manual_seed(0)
        config = DebertaV2Config(num_hidden_layers=layers)
        DebertaV2ForSequenceClassification(config).save_pretrained(Path(name) / "classification")
        DebertaV2ForMaskedLM(config).save_pretrained(Path(name) / "mlm")
        for case in chosen:
            rows.append(measure(case, Path(name), rounds, memory=not options.no_memory))
            show(rows[-1])
    if options.out:
        options.out.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
