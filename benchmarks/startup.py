"""How long the program takes to begin, and a prediction of one text from shell to answer.

usage: python benchmarks/startup.py [--quick] [--json FILE] [--run DIR] [--calls 5]

Each call is a process of its own, timed from its start to its end; the figures are medians of --calls, taken in turn,
after one of each that is not counted. The machine should have nothing else to do.

help, predict: `korsci --help` and `korsci predict RUN TEXT` beside what is asked of them, in seconds. RUN is --run,
else a nano model with a vocabulary of 16,000 pieces that is trained for an epoch of a few rows first.

torch: `python -c "import torch"`, below which no prediction can be.

transformers: a process that imports it, loads the same weights and puts the ids of one short text through them. It has
no tokenizer to open, as none of its own gives this model's ids.

--quick: three calls.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from _measure import environment, in_turn, make_tokenizer, read_lines, seconds, train_nano
from _table import Row, Table, add_options

TEXT = "그래핀 촉매를 이용한 이산화탄소 환원"
LABELS = ("과학", "경제", "체육")
MAX_LENGTH = 64
ASKED = {"help": 0.3, "predict": 3.0}
"""Seconds at most."""
PEER = """
import sys
import torch
from transformers import AutoModelForSequenceClassification

model = AutoModelForSequenceClassification.from_pretrained(sys.argv[1]).eval()
with torch.inference_mode():
    print(int(model(input_ids=torch.arange(5, 25)[None]).logits.argmax()))
"""


def timed(command: Sequence[str]) -> float:
    """Seconds that a command takes."""
    return seconds(
        lambda: subprocess.run(
            command, check=True, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
    )


def nano(folder: Path) -> Path:
    """A run to predict with."""
    _, lines = read_lines(None)
    make_tokenizer(lines, folder / "tokenizer")
    return train_nano(lines, folder, folder / "tokenizer", LABELS, MAX_LENGTH)


def main() -> None:
    """Time all commands in turn and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, "three calls")
    parser.add_argument("--run", type=Path, metavar="DIR", help="run to predict with")
    parser.add_argument("--calls", type=int, default=5)
    options = parser.parse_args()
    calls = 3 if options.quick else options.calls
    korsci = [sys.executable, "-m", "korscideberta"]
    with tempfile.TemporaryDirectory() as folder:
        run = options.run or nano(Path(folder))
        commands = {
            "help": [*korsci, "--help"],
            "predict": [*korsci, "predict", str(run), TEXT],
            "torch": [sys.executable, "-c", "import torch"],
            "transformers": [sys.executable, "-c", PEER, str(run / "model")],
        }
        table = Table("startup", f"{calls} calls of each command, one process a call", options)
        for command in commands.values():
            timed(command)
        rounds = in_turn({name: lambda words=words: timed(words) for name, words in commands.items()}, calls)
    found = {name: statistics.median(one[name] for one in rounds) for name in commands}
    for name, limit in ASKED.items():
        table.add(
            Row(
                name=f"korsci {name if name != 'help' else '--help'}",
                unit="seconds",
                peer=limit,
                ours=found[name],
                ratio=limit / found[name],
                asked=1.0,
                against="what is asked",
                details={"rounds": [one[name] for one in rounds]},
            )
        )
    for name, against in (("transformers", "transformers, without a tokenizer"), ("torch", "import torch alone")):
        table.add(
            Row(
                name="korsci predict",
                unit="seconds",
                peer=found[name],
                ours=found["predict"],
                ratio=statistics.median(one[name] / one["predict"] for one in rounds),
                against=against,
                details={"rounds": [{"peer": one[name], "ours": one["predict"]} for one in rounds]},
            )
        )


if __name__ == "__main__":
    main()
