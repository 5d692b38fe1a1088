"""Labelling real Korean texts of mixed length: ours in every precision against transformers and ONNX Runtime.

usage: python benchmarks/predict.py [--quick] [--cases NAME …] [--texts 4000] [--layers 12] [--rounds 3]
                                    [--corpus FILE] [--no-memory] [--json FILE]

The model is a 12 x 768 DeBERTa-v2 with a vocabulary of 128,100 and a head of seven labels, 184 M parameters, random
weights that all share; --layers makes it smaller. Texts go in, labels with probabilities come out, all in one process;
models are loaded, `auto` has measured what to take, and all have labelled a few texts before. Figures are medians over
the rounds, in which all take turns; ratios are medians of the ratios of a round.

The texts: consecutive lines of --corpus (.txt or .txt.gz, a line a paragraph; default
$KORSCI_SHARED/data/corpus/science_books.txt.gz, else the package's sample papers) from a random place, cut after a
whole word to a length in tokens drawn from the log-normal distribution of median 180 and sigma 0.6 and clipped to 20
to 512, the special tokens included; seed 0. A 16,000-piece tokenizer over MeCab morphs is trained on the corpus first.

pipeline: transformers' pipeline, float32, batches of 16, and the released tokenizer, which builds an analyser for every
text. The other peers are given ids by our tokenizer, in their time too: transformers bf16 (bfloat16 weights) in batches
of 16 padded to their longest, transformers float32 and ONNX Runtime (`korsci export onnx --int8`) in batches of 16
sorted by length. The bf16 case is left out on a CPU without such a unit.

Of the int8 case the largest error of a logit is shown, against transformers in float32, logits being centred for each
text; `asked` is for the speed. Peak memory: the most a process of its own has resident while it labels 32 of the texts,
model and libraries included (Linux).

limit: floating-point operations a second that the model needs for the real tokens (products of the linear layers, and
of attention with 2L - 1 or 512 relative positions), ours in bf16 where the CPU has it and else in float32, as a share
of those of a product of 4,096 x 768 and 768 x 3,072 matrices in the same precision, measured between the rounds.

--quick: 2 layers and 64 texts. Without it count on hours: two cores label 1 to 3 of the texts a second in float32.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
import transformers

from _contenders import CONTENDERS, GRAPHS, LABELS, MAX_LENGTH, Contender, Probabilities
from _measure import (
    compared,
    in_child,
    in_turn,
    make_tokenizer,
    memory_is_told,
    peak_mib,
    read_lines,
    save_classifier,
    train_nano,
)
from _table import Row, Table, add_options
from korscideberta import DebertaV2Config, DebertaV2Tokenizer
from korscideberta.cpu import has_bf16_unit
from korscideberta.export.onnx import export_onnx, load_for_export

MEDIAN, SIGMA, SHORTEST = 180, 0.6, 20
MEMORY_TEXTS, WARM_TEXTS = 32, 4
CASES = {
    "auto": ("ours auto", "pipeline", 4.0),
    "int8": ("ours int8", "pipeline", 5.5),
    "bf16": ("ours bf16", "transformers bf16", 2.0),
    "int8-onnx": ("ours int8", "ONNX Runtime int8", 1.3),
    "float32": ("ours float32", "transformers float32", 1.2),
}
"""Ours, the peer and the ratio asked for."""
LIMIT_ASKED = 0.75
AGREEMENT = 1e-3
"""Largest difference of a logit that float32 and the order of sums explain."""


def draw_texts(lines: Sequence[str], tokenizer: DebertaV2Tokenizer, count: int) -> tuple[list[str], list[int]]:
    """The texts, all different, and their lengths in tokens; see the top of this file."""
    draw = random.Random(0)
    specials = tokenizer.num_special_tokens_to_add()
    texts: dict[str, int] = {}
    while len(texts) < count:
        wanted = round(min(max(draw.lognormvariate(np.log(MEDIAN), SIGMA), SHORTEST), MAX_LENGTH))
        place, parts, size = draw.randrange(len(lines)), [], 0
        while size < 4 * wanted:  # characters: more than enough of them for the tokens
            parts.append(lines[place % len(lines)])
            size += len(parts[-1]) + 1
            place += 1
        joined = " ".join(parts)
        offsets = tokenizer(joined, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        if len(offsets) > wanted - specials:
            joined = joined[: offsets[wanted - specials][0]]
            joined = joined.rpartition(" ")[0]
        length = len(tokenizer(joined)["input_ids"]) if joined else 0
        if SHORTEST <= length <= MAX_LENGTH:
            texts[joined] = length
    return list(texts), list(texts.values())


def make_run(folder: Path, lines: list[str], layers: int) -> Path:
    """A run directory whose model is the large one, with random weights."""
    tokenizer = make_tokenizer(lines, folder / "tokenizer")
    run = train_nano(lines, folder, folder / "tokenizer", LABELS, MAX_LENGTH)
    large = folder / "large"
    config = DebertaV2Config(num_hidden_layers=layers).with_labels(LABELS)
    save_classifier(large, config)
    tokenizer.save_pretrained(large)
    shutil.rmtree(run / "model")
    large.rename(run / "model")
    return run


def export(run: Path, texts: Sequence[str]) -> None:
    """Write the graphs of ONNX beside the run."""
    model, tokenizer = load_for_export(run)
    export_onnx(model, tokenizer, run / GRAPHS, int8=True, texts=texts)


def centred_logits(found: Probabilities) -> Probabilities:
    """(N, C) logits whose mean over the labels is 0."""
    logits_NC = np.log(found)
    centred: Probabilities = logits_NC - logits_NC.mean(axis=1, keepdims=True)
    return centred


def operations(lengths: Sequence[int], config: DebertaV2Config) -> float:
    """Floating-point operations that the encoder needs for texts of these lengths."""
    hidden, inner, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    of_token = 2 * (4 * hidden * hidden + 2 * hidden * inner)
    rows = 2 * config.position_buckets
    of_attention = sum(4 * length * length + 4 * length * min(2 * length - 1, rows) for length in lengths) * hidden
    return float(layers * (sum(lengths) * of_token + of_attention))


def matmul_limit(dtype: torch.dtype) -> float:
    """Operations a second of a product of the size of a layer's, the best of some."""
    left, right = torch.randn(4096, 768).to(dtype), torch.randn(768, 3072).to(dtype)
    torch.mm(left, right)
    best = 0.0
    for _ in range(5):
        start = time.perf_counter()
        torch.mm(left, right)
        best = max(best, 2 * 4096 * 768 * 3072 / (time.perf_counter() - start))
    return best


class Bench:
    """The contenders, what they answered and how long they took."""

    def __init__(self, run: Path, texts: list[str], lengths: list[int], memory: bool) -> None:
        self.run, self.texts, self.lengths = run, texts, lengths
        self.memory = memory and memory_is_told()
        self.contenders: dict[str, Contender] = {}
        self.answers: dict[str, Probabilities] = {}
        self.rounds: list[dict[str, float]] = []
        self.peaks: dict[str, float] = {}
        self.limits: list[float] = []

    def measure(self, names: Sequence[str], limit: torch.dtype, rounds: int) -> None:
        """Load the contenders and let them label the texts in turn."""
        if self.memory:
            sample = self.run / "sample.json"
            sample.write_text(json.dumps(self.texts[:MEMORY_TEXTS], ensure_ascii=False), encoding="utf-8")
            self.peaks = {name: in_child(__file__, ["--peak", name, "--run", self.run]) for name in names}
        for name in names:
            self.contenders[name] = CONTENDERS[name](self.run)
            self.contenders[name](self.texts[:WARM_TEXTS])
        self.limits.append(matmul_limit(limit))
        for _ in range(rounds):
            self.rounds += in_turn({name: partial(self._label, name) for name in names}, 1)
            self.limits.append(matmul_limit(limit))

    def _label(self, name: str) -> float:
        """Texts a second."""
        start = time.perf_counter()
        self.answers[name] = self.contenders[name](self.texts)
        return len(self.texts) / (time.perf_counter() - start)

    def error(self, name: str) -> float:
        """The largest difference of a centred logit from transformers' in float32."""
        logits, reference = (centred_logits(self.answers[who]) for who in (name, "transformers float32"))
        return float(np.abs(logits - reference).max())

    def row(self, case: str) -> Row:
        """The row of a case."""
        mine, theirs, asked = CASES[case]
        note = ""
        if "int8" in case:
            whom = (mine, theirs) if case == "int8-onnx" else (mine,)
            errors = ", ".join(f"{name} {self.error(name):.2g}" for name in whom)
            spread = centred_logits(self.answers["transformers float32"]).std()
            note = f"largest error of a logit: {errors}; standard deviation of the logits {spread:.2g}"
        if case == "auto":
            note = f"auto took {self.contenders[mine].precision}"  # type: ignore[attr-defined]
        rounds = [{"peer": one[theirs], "ours": one[mine]} for one in self.rounds]
        return Row(
            name=mine, unit="texts/s", against=theirs, asked=asked, note=note, **compared(rounds),
            peer_mib=self.peaks.get(theirs), ours_mib=self.peaks.get(mine),
        )  # fmt: skip

    def limit_row(self, name: str, config: DebertaV2Config) -> Row:
        """Our share of the matrix products that this machine can do."""
        each = operations(self.lengths, config) / len(self.lengths) / 1e9
        rates = [one[name] * each for one in self.rounds]
        limit = statistics.median(self.limits) / 1e9
        return Row(
            name=name, unit="GFLOP/s", against="matrix products alone, a bound", peer=limit,
            ours=statistics.median(rates), ratio=statistics.median(rates) / limit, asked=LIMIT_ASKED,
            details={"rounds": rates, "limits": [one / 1e9 for one in self.limits]},
        )  # fmt: skip


def peak(name: str, run: Path) -> float:
    """MiB a contender takes at most in this process while it labels texts."""
    texts = json.loads((run / "sample.json").read_text(encoding="utf-8"))
    contender = CONTENDERS[name](run)
    return peak_mib(lambda: contender(texts))


def main() -> None:
    """Measure and print one table."""
    cases = (*CASES, "limit")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=cases, default=cases, metavar="NAME", help=", ".join(cases))
    parser.add_argument("--texts", type=int)
    parser.add_argument("--layers", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--peak", choices=tuple(CONTENDERS), help=argparse.SUPPRESS)
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    add_options(parser, "2 layers and 64 texts")
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if options.peak:
        print(json.dumps(peak(options.peak, options.run)))
        return
    layers = options.layers or (2 if options.quick else 12)
    count = options.texts or (64 if options.quick else 4000)
    corpus, lines = read_lines(options.corpus, shuffled=False)
    with tempfile.TemporaryDirectory() as name:
        # What `auto` measured for this model before, in another state of the machine, is not to decide.
        os.environ["KORSCI_CACHE"] = str(Path(name) / "cache")
        run = make_run(Path(name), lines, layers)
        texts, lengths = draw_texts(lines, DebertaV2Tokenizer.from_pretrained(run / "model"), count)
        about = (
            f"{layers} layers x 768, {count:,} texts of {min(lengths)} to {max(lengths)} tokens, "
            f"median {statistics.median(lengths):.0f}; median of {options.rounds}; {corpus}"
        )
        table = Table("predict", about, options)
        unit = has_bf16_unit()
        chosen = [case for case in options.cases if case != "limit" and (unit or case != "bf16")]
        names = dict.fromkeys(who for case in chosen for who in CASES[case][:2])
        limited = "ours bf16" if unit else "ours float32"
        if "limit" in options.cases:
            names[limited] = None
        if any("int8" in case for case in chosen):
            names["transformers float32"] = None
        if "ONNX Runtime int8" in names:
            export(run, texts[:WARM_TEXTS])
        bench = Bench(run, texts, lengths, memory=not options.no_memory)
        bench.measure(list(names), torch.bfloat16 if unit else torch.float32, options.rounds)
        if {"ours float32", "transformers float32"} <= set(names) and bench.error("ours float32") > AGREEMENT:
            sys.exit(f"ours differs from transformers in float32: a logit by {bench.error('ours float32'):.2g}")
        for case in options.cases:
            if case == "limit":
                table.add(bench.limit_row(limited, DebertaV2Config(num_hidden_layers=layers)))
            elif case in chosen:
                table.add(bench.row(case))
            else:
                table.add(Row(name="ours bf16", unit="texts/s", note="left out: this CPU has no bf16 unit"))


if __name__ == "__main__":
    main()
