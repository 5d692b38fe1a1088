"""Encoder speed: ours against transformers, same weights, alternating in one process.

usage: python benchmarks/model.py [--layers 12] [--rounds 5] [--lengths 128 256 512] [--out FILE.json]

Prints the median time of each and the median of the pairwise ratios (above 1: ours is faster). float32 and bfloat16,
full-length batches of 2,048 tokens, evaluation mode; and forward with backward in float32.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import transformers

from korscideberta import DebertaV2Config, DebertaV2ForSequenceClassification

TOKENS = 2048


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def forward(model: torch.nn.Module, ids: torch.Tensor, mask: torch.Tensor) -> Callable[[], object]:
    """Return a call that runs the model without gradients."""

    def work() -> object:
        with torch.inference_mode():
            return model(input_ids=ids, attention_mask=mask).logits

    return work


def training(model: torch.nn.Module, ids: torch.Tensor, mask: torch.Tensor) -> Callable[[], object]:
    """Return a call that runs forward and backward."""

    def work() -> None:
        model(input_ids=ids, attention_mask=mask).logits.square().mean().backward()
        model.zero_grad(set_to_none=True)

    return work


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lengths", type=int, nargs="+", default=[128, 256, 512])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.manual_seed(0)
    ours = DebertaV2ForSequenceClassification(DebertaV2Config(num_hidden_layers=options.layers)).eval()
    with tempfile.TemporaryDirectory() as folder:
        ours.save_pretrained(folder)
        peer = transformers.AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    rows = []
    cases = (("forward float32", torch.float32, forward), ("forward bfloat16", torch.bfloat16, forward),
             ("forward + backward float32", torch.float32, training))  # fmt: skip
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(f"{options.layers} layers x 768, transformers {transformers.__version__}, median of {options.rounds}\n")
    print(f"{'':28}{'length':>8}{'peer s':>10}{'ours s':>10}{'ratio':>8}")
    for name, dtype, work in cases:
        ours.to(dtype)
        peer.to(dtype)
        for length in options.lengths:
            ids = torch.randint(5, ours.config.vocab_size, (max(1, TOKENS // length), length))
            mask = torch.ones_like(ids)
            pair = work(peer, ids, mask), work(ours, ids, mask)
            for call in pair:
                call()
            times = [(seconds(pair[0]), seconds(pair[1])) for _ in range(options.rounds)]
            peer_s, ours_s = (statistics.median(column) for column in zip(*times, strict=True))
            ratio = statistics.median(theirs / mine for theirs, mine in times)
            rows.append({"case": name, "length": length, "peer_s": peer_s, "ours_s": ours_s, "ratio": ratio})
            print(f"{name:28}{length:8}{peer_s:10.3f}{ours_s:10.3f}{ratio:8.2f}", flush=True)
    if options.out:
        options.out.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
