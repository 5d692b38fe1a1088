"""Fine-tuning speed, memory and loss against transformers' Trainer, and the time to the first step.

usage: python benchmarks/training.py [--quick] [--cases NAME …] [--layers 12] [--rounds 3] [--examples 48]
                                     [--batch-size 16] [--texts FILE] [--json FILE]

The model is a 12 x 768 DeBERTa-v2 with a vocabulary of 128,100 and a head of seven labels, 184 M parameters, random
weights that both sides share; --layers makes it smaller. The texts are real: lines of --texts (.txt or .txt.gz; default
$KORSCI_SHARED/data/corpus/science_books.txt.gz, else the package's sample papers) of 20 characters and more, drawn
without replacement with seed 0, cut to 512 tokens by a 16,000-piece tokenizer that is trained on 10,000 such lines
first. An epoch's examples are taken at even steps from 4,000 lines sorted by length, so that a short epoch has the
lengths of a long one. Labels are drawn too.

float32, bfloat16: an epoch of the same examples, in turn by transformers.Trainer and by what `korsci train` does, with
the same batch size, precision, AdamW and clipping, dropout on. The Trainer pads as it does by default when it is given
a tokenizer: each batch to its longest example, batches drawn at random. Neither side evaluates or saves. Examples a
second are medians over the rounds, the ratio (above 1: ours is faster) the median of the pairwise ratios, after one
step of each that is not counted. bfloat16 is autocast, on a CPU with a bfloat16 unit; elsewhere the case says so and is
left out.

Memory: a child process for each figure trains one epoch. It is the most that the whole process has resident meanwhile,
libraries, weights, gradients and moments included (Linux; elsewhere the columns stay empty).

loss: fifty steps of four lines of at most 64 tokens in float32, dropout off, in the same order; the largest difference
of the two losses of a step.

processes: tokens a second of `korsci train` with one process and with two on this machine, of one thread each, over
gloo, with the same batches of --shared-batch examples: the median of the second and third step and of their ratios.

start: seconds from `korsci train` to the first record of its first step, for the nano shape with a trained tokenizer
and a data set that an earlier run left in the cache: --table CSV --text COLUMN --label COLUMN (default
$KORSCI_SHARED/data/ynat/train.csv, else the case is left out).

--quick: 2 layers, one round, 16 examples, five steps of loss. Without it the whole takes about 12 minutes on two cores.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import transformers

from _measure import (
    compared,
    environment,
    in_child,
    in_turn,
    load_classifier,
    memory_is_told,
    peak_mib,
    read_lines,
    save_classifier,
    shared,
    vocabulary_for,
)
from _table import Row, Table, add_options
from korscideberta import DebertaV2Config, DebertaV2Tokenizer
from korscideberta.cpu import has_bf16_unit
from korscideberta.data.encoding import EncodedExample
from korscideberta.data.features import ClassificationFeatures
from korscideberta.data.prefetch import prepared
from korscideberta.tokenization import train_tokenizer
from korscideberta.training.losses import ClassificationLoss
from korscideberta.training.optimizer import build_optimizer
from korscideberta.training.plan import Plan
from korscideberta.training.scaling import LossScaler
from korscideberta.training.settings import TrainSettings
from korscideberta.training.update import Updater

CASES = ("float32", "bfloat16", "loss", "processes", "start")
LABELS = 7
LINES_TO_TRAIN, LINES_TO_SAMPLE = 10_000, 4_000
LOSS_STEPS, LOSS_BATCH, LOSS_LENGTH, LOSS_RATE = 50, 4, 64, 1e-4
PROCESS_STEPS = 3
CHILD_LIMIT = 600.0


@dataclass(frozen=True)
class Data:
    """Encoded lines with labels."""

    rows: list[EncodedExample]

    def peer(self) -> list[dict[str, Any]]:
        """The rows as a Trainer takes them."""
        return [{"input_ids": list(row.input_ids), "labels": row.gold[0]} for row in self.rows]

    @cached_property
    def lengths(self) -> list[int]:
        """Tokens of every row."""
        return [len(row.input_ids) for row in self.rows]

    def padding(self, batch_size: int) -> float:
        """Share of pads in batches drawn at random."""
        order = random.Random(0).sample(self.lengths, len(self.rows))
        batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
        return 1 - sum(order) / sum(len(batch) * max(batch) for batch in batches)


def encode(tokenizer: DebertaV2Tokenizer, lines: Sequence[str], max_length: int) -> Data:
    """Encode lines and draw a label for each."""
    draw = random.Random(0)
    encoded = tokenizer(list(lines), truncation=True, max_length=max_length)["input_ids"]
    return Data([EncodedExample(tuple(ids), (0,) * len(ids), (draw.randrange(LABELS),)) for ids in encoded])


def peer_epoch(
    model: Any, data: Data, settings: TrainSettings, tokenizer: Any, *, ordered: bool = False
) -> list[float]:
    """Train one epoch with transformers and return the losses."""
    from _trainer import train_epoch  # importing the Trainer takes seconds, which children of our side need not spend

    return train_epoch(model, data.peer(), settings, tokenizer, ordered=ordered)


def our_epoch(
    model: Any, data: Data, settings: TrainSettings, tokenizer: Any = None, *, ordered: bool = False
) -> list[float]:
    """Train one epoch as the loop of `korsci train` does, and return the losses."""
    features = ClassificationFeatures(data.rows, LABELS)
    plan = Plan.of(features.lengths, settings)
    objective, scaler = ClassificationLoss([1] * LABELS), LossScaler(dynamic=False)
    updater = Updater(
        model, build_optimizer(model, settings), objective, settings.precision, settings.max_grad_norm, None, scaler
    )
    size = settings.batch_size
    orders = (
        [list(range(i, min(i + size, len(features)))) for i in range(0, len(features), size)]
        if ordered
        else plan.batches(0)
    )
    model.train()
    with closing(prepared(features.batch, orders)) as updates:
        return [updater.step([batch], plan.factor(step)) for step, (_, batch) in enumerate(updates)]


EPOCHS: dict[str, Callable[..., list[float]]] = {"peer": peer_epoch, "ours": our_epoch}


def save_model(folder: Path, layers: int, *, dropout: float) -> None:
    """Write random weights that both sides load."""
    config = DebertaV2Config(
        num_hidden_layers=layers, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout,
        cls_dropout=dropout,
    ).with_labels([f"label {i}" for i in range(LABELS)])  # fmt: skip
    save_classifier(folder, config)


class Bench:
    """What the cases share."""

    def __init__(self, options: argparse.Namespace, folder: Path, lines: list[str]) -> None:
        self.options = options
        self.folder = folder
        self.tokenizer: Any = None
        self.lines = lines

    def prepare(self) -> None:
        """Train the tokenizer and write the weights."""
        tokenizer_folder = self.folder / "tokenizer"
        lines = self.lines[-LINES_TO_TRAIN:]
        train_tokenizer(lines, tokenizer_folder, vocab_size=vocabulary_for(lines)).save_pretrained(tokenizer_folder)
        self.open_tokenizer()

    def open_tokenizer(self) -> None:
        """Take the tokenizer as both sides use it."""
        import korscideberta.hf  # noqa: F401  # registers our tokenizer with transformers

        self.tokenizer = transformers.AutoTokenizer.from_pretrained(self.folder / "tokenizer")

    def data(self, count: int, max_length: int = 512) -> Data:
        """Lines at even steps of the lengths, in the order they were drawn in, encoded."""
        tokenizer = DebertaV2Tokenizer.from_pretrained(self.folder / "tokenizer")
        drawn = encode(tokenizer, self.lines[:LINES_TO_SAMPLE], max_length)
        by_length = sorted(range(len(drawn.rows)), key=lambda i: drawn.lengths[i])
        chosen = sorted(by_length[int((place + 0.5) * len(by_length) / count)] for place in range(count))
        return Data([drawn.rows[i] for i in chosen])

    def settings(self, precision: str = "float32", **changes: Any) -> TrainSettings:
        """What both sides train with."""
        values = {"epochs": 1, "batch_size": self.options.batch_size, "warmup": 0, "precision": precision, **changes}
        return TrainSettings(**values)

    def model(self) -> Path:
        """The folder of the weights with dropout."""
        folder = self.folder / "model"
        if not folder.exists():
            save_model(folder, self.options.layers, dropout=0.1)
        return folder

    def speed(self, precision: str) -> Row:
        """Examples a second of both, in turn."""
        model_folder = self.model()
        data, settings = self.data(self.options.examples), self.settings(precision)
        peaks = {f"{who}_mib": self.peak(who, precision) for who in EPOCHS}
        models = {who: load_classifier(who, model_folder) for who in EPOCHS}
        for who, epoch in EPOCHS.items():
            epoch(models[who], Data(data.rows[: settings.batch_size]), settings, self.tokenizer)

        def rate(who: str) -> float:
            begin = time.perf_counter()
            EPOCHS[who](models[who], data, settings, self.tokenizer)
            return len(data.rows) / (time.perf_counter() - begin)

        rounds = in_turn({who: partial(rate, who) for who in EPOCHS}, self.options.rounds)
        padding = data.padding(settings.batch_size)
        return Row(
            name=f"fine-tuning {precision}", unit="examples/s", against="transformers.Trainer",
            **compared(rounds), **peaks,
            note=f"{sum(data.lengths):,} tokens an epoch; {padding:.0%} of the peer's batches is padding",
        )  # fmt: skip

    def peak(self, who: str, precision: str) -> float | None:
        """The most a fresh process has resident in an epoch; None where the system does not tell."""
        if not memory_is_told():
            return None
        options = self.options
        words = ["--peak", who, "--folder", self.folder, "--precision", precision, "--examples", options.examples]
        words += ["--batch-size", options.batch_size, *(["--texts", options.texts] if options.texts else [])]
        return float(in_child(__file__, words))

    def loss(self) -> Row:
        """The largest difference between the losses of the same steps."""
        model_folder = self.folder / "still"
        save_model(model_folder, self.options.layers, dropout=0.0)
        data = self.data(LOSS_BATCH * self.options.loss_steps, LOSS_LENGTH)
        settings = self.settings(batch_size=LOSS_BATCH, learning_rate=LOSS_RATE)
        curves = {
            who: epoch(load_classifier(who, model_folder), data, settings, self.tokenizer, ordered=True)
            for who, epoch in EPOCHS.items()
        }
        difference = max(abs(one - other) for one, other in zip(*curves.values(), strict=True))
        return Row(
            name=f"loss of step {self.options.loss_steps}", unit="nats", against="transformers.Trainer",
            peer=curves["peer"][-1], ours=curves["ours"][-1],
            note=f"largest difference of a step {difference:.1e}", details={"curves": curves},
        )  # fmt: skip

    def processes(self) -> Row:
        """Tokens a second of one process and of two."""
        options, table = self.options, self.folder / "lines.csv"
        draw = random.Random(0)
        with table.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "label"])
            # A tenth of the rows is held back.
            count = -(-options.shared_batch * PROCESS_STEPS * 10 // 9) + 1
            writer.writerows([line, f"label {draw.randrange(LABELS)}"] for line in self.lines[:count])
        command = [
            "--train", table, "--text", "text", "--label", "label", "--model", self.model(), "--epochs", 1,
            "--tokenizer", self.folder / "tokenizer", "--max-length", 512, "--batch-size", options.shared_batch,
            "--log-every", 1, "--no-cache",
        ]  # fmt: skip
        one, two = (
            # One process is no group, and so needs no --processes.
            self.train([*command, *more], PROCESS_STEPS, OMP_NUM_THREADS="1")[1][1:PROCESS_STEPS]
            for more in ([], ["--processes", 2])
        )
        steps = [
            dict(zip(("peer", "ours"), (record["tokens_per_second"] for record in pair), strict=True))
            for pair in zip(one, two, strict=True)
        ]
        return Row(name="two processes", unit="tokens/s", against="one process of ours", **compared(steps))

    def start(self) -> Row:
        """Seconds from the command to the first step."""
        options = self.options
        command = [
            "--train", options.table, "--text", options.text, "--label", options.label, "--model", "nano",
            "--tokenizer", self.folder / "tokenizer", "--log-every", 1,
        ]  # fmt: skip
        cache = str(self.folder / "cache")
        begun = [self.train(command, 1, KORSCI_CACHE=cache)[0] for _ in range(options.start_rounds + 1)]
        return Row(
            name="command to first step, nano", unit="s", ours=statistics.median(begun[1:]),
            details={"rounds": begun[1:]},
        )  # fmt: skip

    def train(self, words: Sequence[object], records: int, **variables: str) -> tuple[float, list[dict[str, Any]]]:
        """Run `korsci train classify` until it has written so many records; the seconds it took, and the records."""
        out = self.folder / "run"
        shutil.rmtree(out, ignore_errors=True)
        command = [sys.executable, "-m", "korscideberta", "--quiet", "train", "classify", *words, "--out", out]
        begin = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in [*command, "--device", "cpu"]], stderr=subprocess.PIPE, env=environment(**variables),
            start_new_session=True,
        )  # fmt: skip
        try:
            journal = out / "metrics.jsonl"
            while not (journal.is_file() and journal.read_bytes().count(b"\n") >= records):
                if process.poll() is not None or time.perf_counter() - begin > CHILD_LIMIT:
                    os.killpg(process.pid, signal.SIGKILL)
                    assert process.stderr is not None
                    raise SystemExit(f"korsci train came to no step: {process.stderr.read().decode()[-500:]}")
                time.sleep(0.005)
            took = time.perf_counter() - begin
            return took, [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def arguments() -> argparse.Namespace:
    """Read the command line and fill in what depends on other options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, "2 layers, one round, 16 examples, five steps of loss")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES, metavar="NAME", help=", ".join(CASES))
    parser.add_argument("--layers", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--examples", type=int, help="of an epoch")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--shared-batch", type=int, default=64)
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--table", type=Path, default=shared("data/ynat/train.csv"))
    parser.add_argument("--text", default="title")
    parser.add_argument("--label", default="topic")
    parser.add_argument("--peak", choices=("peer", "ours"), help=argparse.SUPPRESS)
    parser.add_argument("--precision", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.layers = options.layers or (2 if options.quick else 12)
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.examples = options.examples or (16 if options.quick else 48)
    options.start_rounds = 1 if options.quick else 5
    options.loss_steps = 5 if options.quick else LOSS_STEPS
    return options


def main() -> None:
    """Measure and print one table."""
    options = arguments()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    corpus, lines = read_lines(options.texts)
    if options.peak:
        bench = Bench(options, options.folder, lines)
        bench.open_tokenizer()
        model, data = load_classifier(options.peak, options.folder / "model"), bench.data(options.examples)
        settings = bench.settings(options.precision)
        print(json.dumps(peak_mib(lambda: EPOCHS[options.peak](model, data, settings, bench.tokenizer))))
        return
    about = f"{options.layers} layers x 768, batches of {options.batch_size}, median of {options.rounds}; {corpus}"
    table = Table("training", about, options)
    left_out = {
        "bfloat16": "" if has_bf16_unit() else "this CPU has no AVX512-BF16 and no AMX",
        "start": "" if options.table and options.table.is_file() else "its table is not there; give --table",
    }
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(options, Path(name), lines)
        bench.prepare()
        measure: dict[str, Callable[[], Row]] = {
            "float32": lambda: bench.speed("float32"), "bfloat16": lambda: bench.speed("bf16"), "loss": bench.loss,
            "processes": bench.processes, "start": bench.start,
        }  # fmt: skip
        for case in options.cases:
            why = left_out.get(case)
            table.add(Row(name=case, unit="", note=f"left out: {why}") if why else measure[case]())


if __name__ == "__main__":
    main()
