"""What pretraining is worth: the same shape from random weights, a pretrained model, TF-IDF with logistic regression.

usage: python benchmarks/pretrained.py [--quick] [--only NAME …] [--model korsci-nano|FOLDER] [--seeds 1 2 3]
                                       [--data-dir DIR] [--out runs/pretrained] [--json FILE] [-- korsci train options]

    papers      the sample papers by field     accuracy, top-3 macro-F1
    statutes    statutes by ministry           accuracy, how often the right one is among three
    ynat-4000   4,000 headlines by topic       accuracy, macro-F1
    ynat        36,000 headlines by topic      accuracy, macro-F1
    nli         KorNLI, judged by KLUE-NLI     accuracy
    sts         KorSTS                         Pearson
    ner         KLUE-NER, a fifth held back    entity F1

Both models get the same rows, tokenizer, epochs and batches, each at the rate that suits it; peer is the one from
random weights (shape `nano`), ours the pretrained one, both on the dev rows, which also choose the checkpoint. A second
row of those that sort texts has TF-IDF with logistic regression as the peer. Figures are means over the seeds; the note
gives the deviations.

DIR (default $KORSCI_SHARED/data) has statutes/, ynat/ and what the launchers of the last three ask for. A run is a
folder OUT/NAME-MODEL-SEED. What is finished is only read and what was stopped goes on, so that the same command can be
repeated until the table is whole.

--quick: 20 steps a run, one seed.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import tasks
from _measure import environment, shared
from _runs import Done, run
from _table import Row, Table, add_options
from korscideberta.files import replacing, write_json

QUICK_STEPS = 20
SCRATCH, SCRATCH_RATE = "nano", "5e-4"
ROWS = 4_000
"""Training rows of the smaller set of headlines."""
FITTED = "TF-IDF + LR"
"""What `korsci eval --baseline` calls it."""


@dataclass(frozen=True)
class Case:
    """What both models learn, and the figures that are told of it."""

    words: tuple[str, ...]
    """After `korsci`, with {data} and {out} for the folders."""
    figures: dict[str, str]
    sorts: bool = False
    """Whether TF-IDF with logistic regression can do it."""


def sorting(train: str, dev: str, text: str, label: str, *options: str) -> tuple[str, ...]:
    """The words that train a classifier of a table's rows."""
    table = ("--train", train, "--dev", dev, "--text", text, "--label", label)
    return ("train", "classify", *table, "--epochs", "10", "--learning-rate", "3e-4", "--warmup", "0.1", *options)


def launched(name: str) -> Case:
    """The launcher of a task of tasks.py."""
    case = tasks.CASES[name]
    return Case(("run", case.launcher, "nano", "--", "--data-dir", "{data}"), case.figures)


BEST = {"accuracy": "accuracy", "topk_accuracy": "right one among three"}
FIELDS = {"top1_accuracy": "accuracy", "f1_macro": "top-3 macro-F1"}
BALANCED = {"accuracy": "accuracy", "f1_macro": "macro-F1"}
HEADLINES = ("{data}/ynat/dev.csv", "title", "topic", "--batch-size", "32", "--max-length", "64")
MINISTRIES = ("name,purpose", "ministry", "--batch-size", "16", "--max-length", "128")
CASES = {
    "papers": Case(("run", "papers/papers", "nano", "--"), FIELDS, sorts=True),
    "statutes": Case(sorting("{data}/statutes/train.csv", "{data}/statutes/dev.csv", *MINISTRIES), BEST, sorts=True),
    "ynat-4000": Case(sorting("{out}/ynat-4000.csv", *HEADLINES), BALANCED, sorts=True),
    "ynat": Case(sorting("{data}/ynat/train.csv", *HEADLINES), BALANCED, sorts=True),
    "nli": launched("nli"),
    "sts": launched("sts"),
    "ner": launched("ner"),
}


def command(case: Case, model: str, seed: int, folder: Path, options: argparse.Namespace) -> list[str]:
    """The words after `korsci` that train one model; from random weights it has the pretrained one's tokenizer."""
    words = [word.format(data=options.data_dir, out=options.out) for word in case.words]
    words += ["--model", model, "--seed", str(seed)]
    if model == SCRATCH:
        words += ["--tokenizer", options.model, "--learning-rate", SCRATCH_RATE]
    if options.quick:
        words += ["--max-steps", str(QUICK_STEPS)]
    return [*words, *options.extra, "--out", str(folder)]


def fitted(name: str, folder: Path, out: Path) -> dict[str, float]:
    """The figures of TF-IDF with logistic regression on the rows of a run; fitted once."""
    kept = out / f"{name}-tfidf.json"
    if not kept.is_file():
        words = ["--quiet", "eval", str(folder), "--split", "dev", "--top-k", "3", "--baseline", "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "korscideberta", *words], stdout=subprocess.PIPE, env=environment(), check=True
        )
        write_json(kept, json.loads(done.stdout)[FITTED])
    found: dict[str, float] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def told(values: list[float]) -> str:
    """A mean with its deviation over the seeds."""
    spread = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.4f}{spread}"


def table_rows(name: str, case: Case, runs: dict[str, list[Done]], tfidf: dict[str, float] | None) -> list[Row]:
    """The figures of a case: means over the seeds."""
    scratch, ours = runs.values()
    minutes = statistics.fmean(one.seconds for one in ours) / 60
    found = []
    for figure, unit in case.figures.items():
        theirs, mine = ([one.figures["dev"][figure] for one in side] for side in (scratch, ours))
        note = f"{told(theirs)} against {told(mine)}; {minutes:.1f} minutes a run"
        peers = {"random weights": statistics.fmean(theirs)} | ({} if tfidf is None else {FITTED: tfidf[figure]})
        for against, peer in peers.items():
            details = {"random weights": theirs, "pretrained": mine, "minutes": minutes}
            row = {"name": name, "unit": unit, "peer": peer, "ours": statistics.fmean(mine), "against": against}
            found.append(Row(**row, note=note if against != FITTED else "", details=details))
    return found


def write_first_rows(source: Path, target: Path) -> None:
    """The first ROWS rows of a table."""
    with source.open(encoding="utf-8", newline="") as stream:
        rows = list(itertools.islice(csv.reader(stream), ROWS + 1))
    with replacing(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)


def parse() -> argparse.Namespace:
    """The options, with what stands behind `--` as `extra`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), metavar="NAME", help=", ".join(CASES))
    parser.add_argument("--model", default=tasks.DEFAULT, help="the pretrained model: a name or a folder")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3], metavar="SEED")
    parser.add_argument("--data-dir", type=Path, default=shared("data"), help="default: $KORSCI_SHARED/data")
    parser.add_argument("--out", type=Path, default=Path("runs/pretrained"), help="folder of the runs")
    add_options(parser, f"{QUICK_STEPS} steps a run, one seed")
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    options = parser.parse_args(words[:end])
    options.extra = words[end + 1 :]
    if options.data_dir is None:
        parser.error("no data: give --data-dir DIR or set KORSCI_SHARED")
    options.data_dir, options.out = options.data_dir.resolve(), options.out.resolve()
    if Path(options.model).is_dir():
        options.model = str(Path(options.model).resolve())
    if options.quick:
        options.seeds = options.seeds[:1]
    options.json = options.json or options.out / "pretrained.json"
    return options


def main() -> None:
    """Train, score and print."""
    options = parse()
    table = Table("pretrained", f"{options.model}, seeds {' '.join(map(str, options.seeds))}", options)
    options.out.mkdir(parents=True, exist_ok=True)
    if "ynat-4000" in options.only:
        write_first_rows(options.data_dir / "ynat" / "train.csv", options.out / "ynat-4000.csv")
    for name in options.only:
        case, runs = CASES[name], {}
        for model in (SCRATCH, options.model):
            folders = [(options.out / f"{name}-{Path(model).name}-{seed}", seed) for seed in options.seeds]
            runs[model] = [run(command(case, model, seed, folder, options), folder) for folder, seed in folders]
        tfidf = fitted(name, folders[0][0], options.out) if case.sorts else None
        for row in table_rows(name, case, runs, tfidf):
            table.add(row)


if __name__ == "__main__":
    main()
