"""How time grows: with a text's length, a batch's size, the number of rows, threads and processes.

usage: python benchmarks/scaling.py [--quick] [--cases NAME …] [--layers 12] [--rounds 3] [--rows 1000000]
                                    [--texts FILE] [--json FILE]

length: one forward pass of one text of 16, 32 … 4,096 random tokens. batch: of 1, 2 … 64 texts of 64 tokens. threads:
of 4 texts of 512 tokens with 1, 2 … as many threads as there are cores. All three with a 12 x 768 model with a
vocabulary of 128,100, random weights that both sides share, float32; medians over the rounds, ours and transformers in
turn.

rows: seconds and peak memory of `korsci predict` with a nano model, from a CSV file of 100, 1,000 … --rows rows to one
of labels, in a process of its own that it starts and ends in. A row is a line of --texts (.txt or .txt.gz; default
$KORSCI_SHARED/data/corpus/science_books.txt.gz, else the package's sample papers), cut to 60 characters, with the row's
number, so that no two rows are the same. The peer is transformers' pipeline with batches of 16 and our tokenizer, in a
process of its own too, up to 10,000 rows. Each is run once. Memory is the most that the process has resident (Linux).

processes: characters a second of our tokenizer with 1, 2 … as many processes as there are cores, the starting of the
processes included; no peer.

--quick: 2 layers, up to 1,024 tokens, 16 texts and 1,000 rows.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
import transformers

from _measure import (
    compared,
    in_child,
    in_turn,
    load_classifier,
    make_tokenizer,
    read_lines,
    resident_mib,
    save_classifier,
    seconds,
    train_nano,
)
from _table import Row, Table, add_options, cores
from korscideberta import DebertaV2Config, DebertaV2Tokenizer
from korscideberta.tokenization.parallel import encode_rows

CASES = ("length", "batch", "threads", "rows", "processes")
FIRST_PIECE = 5
PEER_ROWS = 10_000
ROW_CHARACTERS = 60


def doubled(first: int, last: int) -> list[int]:
    """The numbers from `first` to `last`, each twice the one before; `last` is one of them in any case."""
    found = []
    while first < last:
        found.append(first)
        first *= 2
    return [*found, last]


class Forward:
    """Forward passes of both sides."""

    def __init__(self, folder: Path, layers: int, rounds: int) -> None:
        config = DebertaV2Config(num_hidden_layers=layers)
        save_classifier(folder, config)
        self.vocab_size = config.vocab_size
        self.models = {who: load_classifier(who, folder).eval() for who in ("peer", "ours")}
        self.rounds = rounds

    def row(self, name: str, chart: str, x: int, texts: int, tokens: int) -> Row:
        """Measure batches of one shape."""
        random = torch.Generator().manual_seed(0)
        ids_BL = torch.randint(FIRST_PIECE, self.vocab_size, (texts, tokens), generator=random)
        mask_BL = torch.ones_like(ids_BL)

        def run(model: Any) -> None:
            with torch.inference_mode():
                model(ids_BL, attention_mask=mask_BL)

        calls = {who: partial(seconds, partial(run, model)) for who, model in self.models.items()}
        for call in calls.values():
            call()
        times = [{who: 1000 * took for who, took in one.items()} for one in in_turn(calls, self.rounds)]
        return Row(name=name, unit="ms", chart=chart, x=x, **compared(times, less_is_better=True))

    def lengths(self, most: int) -> Iterator[Row]:
        """Rows of `length`."""
        for tokens in doubled(16, most):
            yield self.row("forward pass of one text", "tokens of the text", tokens, 1, tokens)

    def batches(self, most: int) -> Iterator[Row]:
        """Rows of `batch`."""
        for texts in doubled(1, most):
            yield self.row("forward pass, texts of 64 tokens", "texts of the batch", texts, texts, 64)

    def threads(self) -> Iterator[Row]:
        """Rows of `threads`."""
        before = torch.get_num_threads()
        try:
            for threads in doubled(1, cores()):
                torch.set_num_threads(threads)
                yield self.row("forward pass, 4 texts of 512 tokens", "threads", threads, 4, 512)
        finally:
            torch.set_num_threads(before)


def write_rows(path: Path, lines: list[str], count: int) -> None:
    """Write a table whose rows all differ; the number comes first, so that no limit in tokens cuts it off."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text"])
        writer.writerows(
            [f"{number} {line[:ROW_CHARACTERS]}"] for number, line in enumerate(islice(cycle(lines), count))
        )


def predict(who: str, run: Path, source: Path, target: Path) -> dict[str, float]:
    """Label a table; seconds since this process began to work, and the most MiB it had resident."""
    start = time.perf_counter()
    if who == "ours":
        from korscideberta.commands import main as korsci

        words = ["--quiet", "predict", str(run), "--input", str(source), "--output", str(target), "--device", "cpu"]
        try:
            korsci(words)
        except SystemExit as stop:
            if stop.code:
                raise
    else:
        import korscideberta.hf  # noqa: F401  # registers our tokenizer with transformers

        pipeline = transformers.pipeline("text-classification", model=str(run / "model"), device="cpu", batch_size=16)
        with source.open(encoding="utf-8", newline="") as file, target.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            texts = [row["text"] for row in csv.DictReader(file)]
            writer.writerows([answer["label"]] for answer in pipeline(texts, truncation=True, max_length=64))
    took = time.perf_counter() - start
    with target.open("rb") as file:
        lines = sum(1 for _ in file)
    return {"seconds": took, "mib": resident_mib("VmHWM") if sys.platform == "linux" else 0.0, "lines": lines}


def rows_of(lines: list[str], folder: Path, tokenizer: Path, most: int) -> Iterator[Row]:
    """Rows of `rows`."""
    run = train_nano(lines, folder, tokenizer, ("odd", "even"), 64)
    counts = [10**power for power in range(2, 10) if 10**power < most]
    memory: dict[int, float] = {}
    for count in [*counts, most]:
        source = folder / "rows.csv"
        write_rows(source, lines, count)
        found = {}
        for who in ("peer", "ours") if count <= PEER_ROWS else ("ours",):
            found[who] = in_child(__file__, ["--predict", who, run, source, folder / f"{who}.csv"])
            if found[who]["lines"] != count + (who == "ours"):  # ours has a header
                sys.exit(f"{who}: {found[who]['lines']} lines for {count} rows")
        memory[count] = found["ours"]["mib"]
        peer = found.get("peer")
        yield Row(
            name="korsci predict, nano", against="transformers.pipeline", unit="s", chart="rows of the table", x=count,
            ours=found["ours"]["seconds"], ours_mib=memory[count] or None,
            peer=peer and peer["seconds"], peer_mib=(peer and peer["mib"]) or None,
            ratio=peer and peer["seconds"] / found["ours"]["seconds"],
        )  # fmt: skip
    if 10_000 in memory and most > 10_000 and memory[most]:
        yield Row(
            name=f"peak memory of {most:,} rows", against="10,000 rows", unit="MiB", peer=memory[10_000],
            ours=memory[most], ratio=memory[10_000] / memory[most], asked=1 / 1.1,
        )  # fmt: skip


def processes(lines: list[str], tokenizer: Path, rounds: int) -> Iterator[Row]:
    """Rows of `processes`."""
    characters = sum(map(len, lines))
    for workers in doubled(1, cores()):
        taken = []
        for _ in range(rounds):
            # Loaded anew, so that no word is known from before.
            fresh = DebertaV2Tokenizer.from_pretrained(tokenizer)
            fresh("")
            texts = ((line, None) for line in lines)
            start = time.perf_counter()
            encoded = sum(map(len, encode_rows(fresh, texts, max_length=512, workers=workers)))
            taken.append(time.perf_counter() - start)
            assert encoded == len(lines)
        rates = sorted(characters / took for took in taken)
        yield Row(
            name="text to ids", unit="characters/s", chart="processes", x=workers, ours=rates[len(rates) // 2],
            details={"rounds": taken},
        )  # fmt: skip


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES, metavar="NAME", help=", ".join(CASES))
    parser.add_argument("--layers", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--predict", nargs=4, help=argparse.SUPPRESS)
    add_options(parser, "2 layers, up to 1,024 tokens, 16 texts and 1,000 rows")
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if options.predict:
        who, *paths = options.predict
        print(json.dumps(predict(who, *map(Path, paths))))
        return
    layers = options.layers or (2 if options.quick else 12)
    most_rows = options.rows or (1000 if options.quick else 1_000_000)
    corpus, lines = read_lines(options.texts)
    table = Table("scaling", f"{layers} layers x 768 and nano, float32, median of {options.rounds}; {corpus}", options)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if {"length", "batch", "threads"} & set(options.cases):
            forward = Forward(folder / "model", layers, options.rounds)
            measured = {
                "length": lambda: forward.lengths(1024 if options.quick else 4096),
                "batch": lambda: forward.batches(16 if options.quick else 64),
                "threads": forward.threads,
            }
            for case, measure in measured.items():
                for row in measure() if case in options.cases else ():
                    table.add(row)
            del forward, measured
        if {"rows", "processes"} & set(options.cases):
            make_tokenizer(lines, folder / "tokenizer")
        if "rows" in options.cases:
            for row in rows_of(lines, folder, folder / "tokenizer", most_rows):
                table.add(row)
        if "processes" in options.cases:
            for row in processes(lines, folder / "tokenizer", options.rounds):
                table.add(row)


if __name__ == "__main__":
    main()
