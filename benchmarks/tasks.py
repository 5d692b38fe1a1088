"""What a model learns of five Korean tasks, each beside what needs no learning.

usage: python benchmarks/tasks.py [--quick] [--only NAME …] [--model NAME|FOLDER] [--seeds 42 …] [--data-dir DIR]
                                  [--out runs/tasks] [--max-steps N] [--json FILE] [-- korsci train options]

    ynat     topics of headlines                        macro-F1       the most frequent topic
    nli      KorNLI to learn from, KLUE-NLI to judge    accuracy       the most frequent label
    sts      KorSTS                                     Pearson        0, that of any constant
    ner      KLUE-NER, a fifth held back                entity F1      finding nothing
    korquad  KorQuAD, a fifth of the articles held back EM and F1      the answer that is most frequent

Each is a launcher of experiments/ in its configuration `nano`, which starts from korsci-nano. --model puts another
model in its place: `nano` is the same shape from scratch; else a folder, a hub repository, or the name of a folder
under $KORSCI_MODELS. What follows `--` goes to each run.
DIR (default $KORSCI_SHARED/data) is laid out as the launchers ask. Peer is the trivial baseline, ours the model, both
on the dev rows, which also choose the checkpoint; of several seeds ours is the mean, and the note gives the deviation.

A run is a folder OUT/NAME-MODEL-SEED. One that is finished is only read, one that was stopped goes on, so that the same
command can be repeated until the table is whole; minutes are those of training and scoring, all attempts together but
those during which this script was killed. The table is written to OUT/tasks.json, or --json.

--quick: 20 steps a run. --max-steps: so many.
"""

from __future__ import annotations

import argparse
import os
import shlex
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from _measure import shared
from _runs import Done, run
from _table import Row, Table, add_options
from korscideberta.model import PRESET_NAMES

QUICK_STEPS = 20
DEFAULT = "korsci-nano"


@dataclass(frozen=True)
class Case:
    """A launcher, and the figures that are told of it."""

    launcher: str
    figures: dict[str, str]
    """Names as they are told, by those in metrics.json."""
    against: str
    constant: float | None = None
    """The baseline where it is known beforehand; else the run tells it."""


CASES = {
    "ynat": Case("klue/ynat", {"f1_macro": "macro-F1"}, "most frequent topic"),
    "nli": Case("glue/mnli", {"accuracy": "accuracy"}, "most frequent label"),
    "sts": Case("korean/korsts", {"pearson": "Pearson"}, "any constant", 0.0),
    "ner": Case("klue/ner", {"entity_f1": "entity F1"}, "finding nothing"),
    "korquad": Case("reading/korquad", {"em": "exact match", "f1": "character F1"}, "most frequent answer"),
}


def launch(case: Case, folder: Path, seed: int, options: argparse.Namespace) -> list[str]:
    """The words after `korsci` that train one model."""
    words = ["run", case.launcher, "nano", "--", "--data-dir", str(options.data_dir), "--seed", str(seed)]
    if options.model != DEFAULT:
        words += ["--model", str(model_folder(options.model))]
    if options.max_steps is not None:
        words += ["--max-steps", str(options.max_steps)]
    return [*words, *options.extra, "--out", str(folder)]


def model_folder(name: str) -> Path | str:
    """The folder of that name, there or under $KORSCI_MODELS, or the name of a shape or a hub repository."""
    for folder in (Path(name), Path(os.environ.get("KORSCI_MODELS", "models"), name)):
        if (folder / "config.json").is_file():
            return folder.resolve()
    if "/" not in name and name not in PRESET_NAMES:
        sys.exit(
            f"--model {name}: no folder with a model here or under $KORSCI_MODELS, and no hub repository OWNER/NAME"
        )
    return name


def rows(name: str, case: Case, runs: Sequence[Done]) -> list[Row]:
    """The figures of a case: means over the seeds."""
    minutes = statistics.fmean(one.seconds for one in runs) / 60
    found = []
    for figure, told in case.figures.items():
        ours = [one.figures["dev"][figure] for one in runs]
        peer = case.constant
        if peer is None:
            peer = statistics.fmean(one.figures["dev"][f"majority_{figure}"] for one in runs)
        spread = f"± {statistics.stdev(ours):.4f} over {len(ours)} seeds; " if len(ours) > 1 else ""
        found.append(
            Row(
                name=name,
                unit=told,
                peer=peer,
                ours=statistics.fmean(ours),
                against=case.against,
                note=f"{spread}{minutes:.1f} minutes a run; korsci {shlex.join(runs[0].command)}",
                details={"seeds": ours, "minutes": minutes, "figures": [one.figures["dev"] for one in runs]},
            )
        )
    return found


def parse() -> argparse.Namespace:
    """The options, with what stands behind `--` as `extra`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), metavar="NAME", help=", ".join(CASES))
    parser.add_argument("--model", default=DEFAULT, help="nano from scratch, a folder, or a name under $KORSCI_MODELS")
    parser.add_argument("--seeds", nargs="+", type=int, default=[42], metavar="SEED")
    parser.add_argument("--data-dir", type=Path, default=shared("data"), help="default: $KORSCI_SHARED/data")
    parser.add_argument("--out", type=Path, default=Path("runs/tasks"), help="folder of the runs")
    parser.add_argument("--max-steps", type=int, help="updates of a run at most")
    add_options(parser, f"{QUICK_STEPS} steps a run")
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    options = parser.parse_args(words[:end])
    options.extra = words[end + 1 :]
    if options.data_dir is None:
        parser.error("no data: give --data-dir DIR or set KORSCI_SHARED")
    options.data_dir = options.data_dir.resolve()
    if options.quick and options.max_steps is None:
        options.max_steps = QUICK_STEPS
    options.json = options.json or options.out / "tasks.json"
    return options


def main() -> None:
    """Run and print."""
    options = parse()
    limit = "" if options.max_steps is None else f", {options.max_steps} steps each"
    about = f"{options.model}, seeds {' '.join(map(str, options.seeds))}{limit}; peer: a trivial baseline"
    table = Table("tasks", about, options)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        label = Path(options.model).name
        folders = [(options.out / f"{name}-{label}-{seed}", seed) for seed in options.seeds]
        runs = [run(launch(CASES[name], folder, seed, options), folder) for folder, seed in folders]
        for row in rows(name, CASES[name], runs):
            table.add(row)


if __name__ == "__main__":
    main()
