"""Fine-tuning speed, memory and loss against transformers' Trainer, and the time to the first step.

usage: python benchmarks/training.py [--quick] [--cases NAME …] [--layers 12] [--rounds 3] [--examples 48]
                                     [--batch-size 16] [--texts FILE] [--out FILE.json]

The model is a 12 x 768 DeBERTa-v2 with a vocabulary of 128,100 and a head of seven labels, 184 M parameters, random
weights that both sides share; --layers makes it smaller. The texts are real: lines of --texts (.txt or .txt.gz; default
$KORSCI_SHARED/data/corpus/science_books.txt.gz) of 20 characters and more, drawn without replacement with seed 0, cut
to 512 tokens by a 16,000-piece tokenizer that is trained on 10,000 such lines first. An epoch's examples are taken at
even steps from 4,000 lines sorted by length, so that a short epoch has the lengths of a long one. Labels are drawn too.

float32, bfloat16: an epoch of the same examples, in turn by transformers.Trainer and by what `korsci train` does, with
the same batch size, precision, AdamW and clipping, dropout on. The Trainer pads as it does by default when it is given
a tokenizer: each batch to its longest example, batches drawn at random. Neither side evaluates or saves. Examples a
second are medians over the rounds, the ratio (above 1: ours is faster) the median of the pairwise ratios, after one
step of each that is not counted. bfloat16 is autocast, on a CPU with a bfloat16 unit; elsewhere the case says so and is
left out.

Memory: a child process for each figure trains one epoch. It is the most that the whole process ever had resident,
libraries, weights, gradients and moments included (Linux; elsewhere the columns stay empty); ratio below 1: ours needs
less.

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
import gzip
import json
import os
import platform
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
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import transformers

from korscideberta import DebertaV2Config, DebertaV2ForSequenceClassification, DebertaV2Tokenizer
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
PIECES, LINES_TO_TRAIN, LINES_TO_SAMPLE = 16_000, 10_000, 4_000
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


def read_lines(path: Path) -> list[str]:
    """The lines of a file that are long enough, shuffled."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        lines = [line.strip() for line in file if len(line.strip()) >= 20]
    random.Random(0).shuffle(lines)
    return lines


def encode(tokenizer: DebertaV2Tokenizer, lines: Sequence[str], max_length: int) -> Data:
    """Encode lines and draw a label for each."""
    draw = random.Random(0)
    encoded = tokenizer(list(lines), truncation=True, max_length=max_length)["input_ids"]
    return Data([EncodedExample(tuple(ids), (0,) * len(ids), (draw.randrange(LABELS),)) for ids in encoded])


class Recorder(transformers.Trainer):
    """A Trainer that keeps the loss of every step and, where `ordered`, takes the examples in their order."""

    ordered = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.losses: list[float] = []

    def compute_loss(self, *arguments: Any, **options: Any) -> Any:
        """As in the Trainer."""
        result = super().compute_loss(*arguments, **options)
        self.losses.append(float((result[0] if isinstance(result, tuple) else result).detach()))
        return result

    def _get_train_sampler(self, *arguments: Any) -> Any:
        if self.ordered:
            return torch.utils.data.SequentialSampler(self.train_dataset)  # type: ignore[arg-type]
        return super()._get_train_sampler(*arguments)


def peer_epoch(
    model: Any, data: Data, settings: TrainSettings, tokenizer: Any, *, ordered: bool = False
) -> list[float]:
    """Train one epoch with transformers and return the losses."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = Recorder(
            model=model,
            args=transformers.TrainingArguments(
                output_dir=folder,
                per_device_train_batch_size=settings.batch_size,
                num_train_epochs=1,
                learning_rate=settings.learning_rate,
                weight_decay=settings.weight_decay,
                adam_epsilon=1e-6,
                bf16=settings.precision == "bf16",
                seed=settings.seed,
                use_cpu=True,
                save_strategy="no",
                logging_strategy="no",
                report_to=[],
                disable_tqdm=True,
            ),
            train_dataset=data.peer(),
            processing_class=tokenizer,
        )
        trainer.ordered = ordered
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
    return trainer.losses


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


def load(who: str, folder: Path) -> Any:
    """The model of one side."""
    if who == "ours":
        return DebertaV2ForSequenceClassification.from_pretrained(folder)
    return transformers.AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)


def save_model(folder: Path, layers: int, *, dropout: float) -> None:
    """Write random weights that both sides load."""
    torch.manual_seed(0)
    config = DebertaV2Config(
        num_hidden_layers=layers, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout,
        cls_dropout=dropout,
    ).with_labels([f"label {i}" for i in range(LABELS)])  # fmt: skip
    DebertaV2ForSequenceClassification(config).save_pretrained(folder)


def has_bfloat16_unit() -> bool:
    """Whether this CPU multiplies bfloat16 matrices in hardware, as far as the system tells."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(flag in flags for flag in ("avx512_bf16", "amx_bf16"))


def resident_peak() -> float:
    """The most MiB this process had resident since it began; Linux."""
    # getrusage would count what the process was copied from.
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no VmHWM")


class Bench:
    """What the cases share."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self.folder = folder
        self.tokenizer: Any = None
        self.lines: list[str] = []

    def prepare(self) -> None:
        """Train the tokenizer and write the weights."""
        self.lines = read_lines(self.options.texts)
        tokenizer_folder = self.folder / "tokenizer"
        train_tokenizer(self.lines[-LINES_TO_TRAIN:], tokenizer_folder, vocab_size=PIECES).save_pretrained(
            tokenizer_folder
        )
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

    def speed(self, precision: str) -> dict[str, Any]:
        """Examples a second of both, in turn."""
        model_folder = self.model()
        data, settings = self.data(self.options.examples), self.settings(precision)
        peaks = {who: self.peak(who, precision) for who in EPOCHS}
        models = {who: load(who, model_folder) for who in EPOCHS}
        for who, epoch in EPOCHS.items():
            epoch(models[who], Data(data.rows[: settings.batch_size]), settings, self.tokenizer)
        rounds: list[dict[str, float]] = []
        for _ in range(self.options.rounds):
            took = {}
            for who, epoch in EPOCHS.items():
                begin = time.perf_counter()
                epoch(models[who], data, settings, self.tokenizer)
                took[who] = len(data.rows) / (time.perf_counter() - begin)
            rounds.append(took)
        peer, ours = (statistics.median(took[who] for took in rounds) for who in EPOCHS)
        ratio = statistics.median(took["ours"] / took["peer"] for took in rounds)
        known = None not in peaks.values()
        return {
            "case": f"fine-tuning {precision}, examples/s", "peer": peer, "ours": ours, "ratio": ratio,
            "rounds": rounds,
            "peer_mib": peaks["peer"], "ours_mib": peaks["ours"],
            "memory_ratio": peaks["ours"] / peaks["peer"] if known else None,  # type: ignore[operator]
            "tokens": sum(data.lengths), "padding": data.padding(settings.batch_size),
        }  # fmt: skip

    def peak(self, who: str, precision: str) -> float | None:
        """`resident_peak` of an epoch in a fresh process; None on other systems than Linux."""
        if sys.platform != "linux":
            return None
        options = self.options
        command = [
            sys.executable, __file__, "--peak", who, "--folder", self.folder, "--texts", options.texts,
            "--precision", precision, "--examples", options.examples, "--batch-size", options.batch_size,
        ]  # fmt: skip
        done = subprocess.run(
            [str(word) for word in command], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=environment(),
        )  # fmt: skip
        return float(done.stdout.split()[-1])

    def loss(self) -> dict[str, Any]:
        """The largest difference between the losses of the same steps."""
        model_folder = self.folder / "still"
        save_model(model_folder, self.options.layers, dropout=0.0)
        data = self.data(LOSS_BATCH * self.options.loss_steps, LOSS_LENGTH)
        settings = self.settings(batch_size=LOSS_BATCH, learning_rate=LOSS_RATE)
        curves = {
            who: epoch(load(who, model_folder), data, settings, self.tokenizer, ordered=True)
            for who, epoch in EPOCHS.items()
        }
        difference = max(abs(one - other) for one, other in zip(*curves.values(), strict=True))
        return {
            "case": f"loss of step {self.options.loss_steps}", "peer": curves["peer"][-1],
            "ours": curves["ours"][-1], "difference": difference, "curves": curves,
        }  # fmt: skip

    def processes(self) -> dict[str, Any]:
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
        steps = [[record["tokens_per_second"] for record in pair] for pair in zip(one, two, strict=True)]
        alone, together = (statistics.median(column) for column in zip(*steps, strict=True))
        return {
            "case": "1 and 2 processes, tokens/s", "peer": alone, "ours": together,
            "ratio": statistics.median(two / one for one, two in steps), "steps": steps,
        }  # fmt: skip

    def start(self) -> dict[str, Any]:
        """Seconds from the command to the first step."""
        options = self.options
        command = [
            "--train", options.table, "--text", options.text, "--label", options.label, "--model", "nano",
            "--tokenizer", self.folder / "tokenizer", "--log-every", 1,
        ]  # fmt: skip
        cache = str(self.folder / "cache")
        begun = [self.train(command, 1, KORSCI_CACHE=cache)[0] for _ in range(options.start_rounds + 1)]
        return {"case": "command to first step, s", "ours": statistics.median(begun[1:]), "times_s": begun[1:]}

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


def environment(**changes: str) -> dict[str, str]:
    """The environment of a child, which finds the package beside this file."""
    root = Path(__file__).resolve().parents[1]
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, **changes}


def show(row: dict[str, Any]) -> None:
    """Print one row."""
    cells = [f"{row['case']:36}"]
    for name, width, digits in (
        ("peer", 9, 3), ("ours", 9, 3), ("ratio", 8, 2),
        ("peer_mib", 10, 0), ("ours_mib", 10, 0), ("memory_ratio", 8, 2),
    ):  # fmt: skip
        value = row.get(name)
        cells.append(" " * width if value is None else f"{value:{width}.{digits}f}")
    print("".join(cells).rstrip(), flush=True)
    if "padding" in row:
        print(f"  {row['tokens']:,} tokens an epoch; {row['padding']:.0%} of the peer's batches is padding")
    if "difference" in row:
        print(f"  largest difference of a step {row['difference']:.1e}")


def arguments() -> argparse.Namespace:
    """Read the command line and fill in what depends on other options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("KORSCI_SHARED", ""))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES, metavar="NAME", help=", ".join(CASES))
    parser.add_argument("--layers", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--examples", type=int, help="of an epoch")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--shared-batch", type=int, default=64)
    parser.add_argument("--texts", type=Path, default=shared / "data/corpus/science_books.txt.gz")
    parser.add_argument("--table", type=Path, default=shared / "data/ynat/train.csv")
    parser.add_argument("--text", default="title")
    parser.add_argument("--label", default="topic")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--peak", choices=("peer", "ours"), help=argparse.SUPPRESS)
    parser.add_argument("--precision", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.layers = options.layers or (2 if options.quick else 12)
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.examples = options.examples or (16 if options.quick else 48)
    options.start_rounds = 1 if options.quick else 5
    options.loss_steps = 5 if options.quick else LOSS_STEPS
    if not options.texts.is_file():
        parser.error(f"--texts {options.texts}: no such file; give a file of Korean lines")
    return options


def main() -> None:
    """Measure and print one table."""
    options = arguments()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if options.peak:
        bench = Bench(options, options.folder)
        bench.lines = read_lines(options.texts)
        bench.open_tokenizer()
        model = load(options.peak, options.folder / "model")
        settings = bench.settings(options.precision)
        EPOCHS[options.peak](model, bench.data(options.examples), settings, bench.tokenizer)
        print(resident_peak())
        return
    cpu = f"{platform.processor() or platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    print(f"{cpu}, {torch.get_num_threads()} threads, {versions}")
    print(
        f"{options.layers} layers x 768, batches of {options.batch_size}, median of {options.rounds}; "
        f"{options.texts.name}\n"
    )
    print(f"{'':36}{'peer':>9}{'ours':>9}{'ratio':>8}{'peer MiB':>10}{'ours MiB':>10}{'ratio':>8}")
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(options, Path(name))
        bench.prepare()
        for case in options.cases:
            if case == "bfloat16" and not has_bfloat16_unit():
                print(f"{'fine-tuning bf16, examples/s':36} left out: this CPU has no AVX512-BF16 and no AMX")
                continue
            if case == "start" and not options.table.is_file():
                print(f"{'command to first step, s':36} left out: {options.table} is not there; give --table")
                continue
            measure: dict[str, Callable[[], dict[str, Any]]] = {
                "float32": lambda: bench.speed("float32"), "bfloat16": lambda: bench.speed("bf16"), "loss": bench.loss,
                "processes": bench.processes, "start": bench.start,
            }  # fmt: skip
            rows.append(measure[case]())
            show(rows[-1])
    if options.out:
        options.out.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
