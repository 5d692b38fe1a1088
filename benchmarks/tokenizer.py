"""Speed of the tokenizer: the released recipe, MeCab alone, one and two processes, a second run, a long stream.

usage: python benchmarks/tokenizer.py [--corpus DIR] [--table CSV --text COLUMN --label COLUMN] [--characters 400000]
                                      [--rounds 5] [--stream 2.0] [--quick] [--json FILE]

--corpus: a folder of text files (.txt, .txt.gz), a text a line; default $KORSCI_SHARED/data/corpus, else the sample
papers of the package. --characters are drawn from each file, lines chosen with a fixed seed. --table: a table to
fine-tune on; default $KORSCI_SHARED/data/ynat/train.csv, else the case is left out. --stream: gigabytes made from the
sample and encoded; 0 leaves the case out. --quick: 50,000 characters of each file, 3 rounds, 0.1 GB.

A 16,000-piece BPE tokenizer over MeCab morphs is trained on the sample first. Ours and the peer take turns in one
process; each column is a median, the ratio the median of the pairwise ratios. Every round starts with a tokenizer
loaded anew, so that no word is known from the round before. "cpu": by second of processor time, which other
work on the machine disturbs less. Memory is the most of the whole process so far.

The released recipe is normalise, build an analyser, cut the line, join its morphs with spaces, ask SentencePiece; for
every line.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import pickle
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import sentencepiece

from _measure import compared, environment, sample_papers, shared, vocabulary_for
from _recipe import released_ids
from _table import Row, Table, add_options
from korscideberta.data.readers import read_table
from korscideberta.normalize import normalize
from korscideberta.tokenization import DebertaV2Tokenizer, Recipe, train_tokenizer
from korscideberta.tokenization.mecab import SharedAnalyser
from korscideberta.tokenization.parallel import encode_rows

RECIPE_LINES = 150
MAX_LENGTH = 512

STARTS = """
import json, sys, time
begin = time.perf_counter()
import korscideberta.training.finetune as finetune
from korscideberta.commands import main
imported = time.perf_counter()
def stop(*arguments, **options):
    now = time.perf_counter()
    print(json.dumps({"imports_s": imported - begin, "start_s": now - imported, "cpu_s": time.process_time()}))
    sys.exit(0)
finetune.train = stop
main(sys.argv[1:])
"""
"""Runs `korsci train` up to its first step."""


def sample(corpus: Path, characters: int) -> dict[str, list[str]]:
    """Lines of every file, about `characters` characters each."""
    found = {}
    for path in sorted(corpus.glob("*.txt*")):
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            lines = file.read().splitlines()
        random.Random(0).shuffle(lines)
        size = place = 0
        while place < len(lines) and size < characters:
            size += len(lines[place])
            place += 1
        found[path.name.split(".")[0]] = lines[:place]
    if not found:
        sys.exit(f"{corpus}: no .txt or .txt.gz files")
    return found


def fresh(tokenizer: DebertaV2Tokenizer) -> DebertaV2Tokenizer:
    """A copy that is ready, its model and analyser loaded, and knows no word yet."""
    copy: DebertaV2Tokenizer = pickle.loads(pickle.dumps(tokenizer))
    copy("")
    return copy


def wall_and_cpu(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor time of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def encoded(tokenizer: DebertaV2Tokenizer, lines: list[str], workers: int = 1) -> int:
    """Encode the lines as data sets are, to flat arrays a part at a time; returns how many there were."""
    rows = ((line, None) for line in lines)
    return sum(map(len, encode_rows(tokenizer, rows, max_length=MAX_LENGTH, workers=workers)))


def against_recipe(lines: list[str], tokenizer: DebertaV2Tokenizer, rounds: int) -> Row:
    """The released recipe on a few lines, whose number does not change its speed, and ours on all of them."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.pieces.model)
    few = random.Random(1).sample(lines, min(RECIPE_LINES, len(lines)))
    if released_ids(few, processor) != tokenizer(few, add_special_tokens=False)["input_ids"]:
        sys.exit("the released recipe gives other ids")
    characters, share = sum(map(len, lines)), sum(map(len, few)) / sum(map(len, lines))
    pairs = []
    for _ in range(rounds):
        ours = fresh(tokenizer)
        peer_s = wall_and_cpu(lambda: released_ids(few, processor))[1] / share
        pairs.append((peer_s, wall_and_cpu(lambda ours=ours: encoded(ours, lines))[1]))
    return row("text to ids, processor time", "the released recipe", characters, pairs)


def against_mecab(lines: list[str], tokenizer: DebertaV2Tokenizer, rounds: int, name: str) -> Row:
    """MeCab alone on the normalised lines, which is the bound, and the whole way from text to ids; processor time."""
    analyser = SharedAnalyser().open()
    normalised = list(map(normalize, lines))
    pairs = []
    for _ in range(rounds):
        ours = fresh(tokenizer)
        pairs.append(
            (
                wall_and_cpu(lambda: list(map(analyser.spaced, normalised)))[1],
                wall_and_cpu(lambda ours=ours: encoded(ours, lines))[1],
            )
        )
    return row(f"{name}, processor time", "MeCab alone, a bound", sum(map(len, lines)), pairs)


def two_processes(lines: list[str], tokenizer: DebertaV2Tokenizer, rounds: int) -> Row:
    """One process and two, to flat arrays; wall time, starting the processes included."""

    def work(workers: int) -> float:
        copy = fresh(tokenizer)
        return wall_and_cpu(lambda: encoded(copy, lines, workers))[0]

    pairs = [(work(1), work(2)) for _ in range(rounds)]
    return row("text to ids, two processes", "one process of ours", sum(map(len, lines)), pairs)


def row(name: str, against: str, characters: int, pairs: list[tuple[float, float]]) -> Row:
    """One line of the table, from the seconds of both in each round."""
    rates = [{"peer": characters / theirs, "ours": characters / mine} for theirs, mine in pairs]
    return Row(name=name, unit="characters/s", against=against, ours_mib=peak(), **compared(rates))


def peak() -> float:
    """The most MiB this process had resident so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform.startswith("linux") else 2**20)


def second_run(table: Path, text: str, label: str, tokenizer: Path, rounds: int) -> Row:
    """Seconds from `korsci train`, modules loaded, to its first step: without and with encoded texts on disk."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--train", str(table), "--text", text, "--label", label, "--tokenizer", str(tokenizer)]
        arguments += ["--out", f"{folder}/run", "--overwrite"]
        times: dict[str, list[dict[str, float]]] = {"first": [], "second": []}
        for number in range(rounds):
            variables = environment(KORSCI_CACHE=f"{folder}/cache-{number}")
            for which in times:
                done = subprocess.run(
                    [sys.executable, "-c", STARTS, "--quiet", "train", "classify", *arguments],
                    env=variables,
                    stdout=subprocess.PIPE,
                    check=True,
                )
                times[which].append(json.loads(done.stdout.splitlines()[-1]))
    starts = [
        {"peer": first["start_s"], "ours": second["start_s"]}
        for first, second in zip(times["first"], times["second"], strict=True)
    ]
    return Row(
        name=f"second run, modules loaded, to step 1 of {len(read_table(table).rows):,} rows", unit="s",
        against="first run", **compared(starts, less_is_better=True),
    )  # fmt: skip


def memory_mb() -> float:
    """Memory of this process and its children now, in MB; a page that n processes share counts 1/n in each."""
    if not sys.platform.startswith("linux"):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    total = 0
    for process in [
        os.getpid(),
        *map(int, Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()),
    ]:
        total += int(Path(f"/proc/{process}/smaps_rollup").read_text().split("\nPss:")[1].split()[0])
    return total * 1024 / 1e6


def long_stream(lines: list[str], tokenizer: DebertaV2Tokenizer, gigabytes: float, workers: int) -> Row:
    """Memory while a stream is encoded; a number is put into each line, so that no two passes have the same lines."""

    def stream() -> Iterator[tuple[str, None]]:
        nonlocal size
        number = 0
        while size < gigabytes * 1e9:
            for line in lines:
                number += 1
                text = f"{line} {number}"
                size += len(text.encode()) + 1
                yield text, None

    size = rows = ids = 0
    points: list[tuple[float, float]] = []
    start = time.perf_counter()
    for part in encode_rows(fresh(tokenizer), stream(), max_length=MAX_LENGTH, workers=workers):
        rows += len(part)
        ids += len(part.ids)
        if size >= gigabytes * 1e9 * (len(points) + 1) / 10:
            points.append((round(size / 1e9, 3), round(memory_mb(), 1)))
            print(f"  {points[-1][0]:7.3f} GB  {points[-1][1]:8.1f} MB", flush=True)
    memory = [mb for _, mb in points]
    half = (len(memory) + 1) // 2
    return Row(
        name=f"second half of {gigabytes} GB, memory of {workers} processes", unit="MB", against="its first half",
        peer=max(memory[:half]), ours=max(memory[half:], default=None),
        note=f"{rows:,} rows, {ids:,} ids in {time.perf_counter() - start:.0f} s; memory of all processes together",
        details={"memory_mb_at_gb": points},
    )  # fmt: skip


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=shared("data/corpus"))
    parser.add_argument("--table", type=Path, default=shared("data/ynat/train.csv"))
    parser.add_argument("--text", default="title")
    parser.add_argument("--label", default="topic")
    parser.add_argument("--characters", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--stream", type=float)
    add_options(parser, "50,000 characters of each file, 3 rounds, 0.1 GB")
    options = parser.parse_args()
    characters = options.characters or (50_000 if options.quick else 400_000)
    rounds = options.rounds or (3 if options.quick else 5)
    stream = (0.1 if options.quick else 2.0) if options.stream is None else options.stream
    files = sample(options.corpus, characters) if options.corpus else {"sample papers": sample_papers()}
    lines = [line for chosen in files.values() for line in chosen]
    size = sum(map(len, lines))
    about = f"{len(lines):,} lines, {size:,} characters of {', '.join(files)}; median of {rounds}"
    table = Table("tokenizer", about, options)
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = train_tokenizer(lines, folder, vocab_size=vocabulary_for(lines))
        assert tokenizer.recipe == Recipe()
        table.add(against_recipe(lines, tokenizer, rounds))
        for name, chosen in files.items():
            table.add(against_mecab(chosen, tokenizer, rounds, name))
        if len(files) > 1:
            table.add(against_mecab(lines, tokenizer, rounds, "all"))
        table.add(two_processes(lines, tokenizer, rounds))
        if options.table:
            table.add(second_run(options.table, options.text, options.label, Path(folder), min(3, rounds)))
        if stream:
            table.add(long_stream(lines, tokenizer, stream, 2))


if __name__ == "__main__":
    main()
