"""Pretraining a 12 x 768 masked language model: ours against the recipe of transformers' run_mlm.py, in one process.

usage: python benchmarks/pretraining.py --corpus FILE … [--quick] [--layers 12] [--rounds 5] [--rows 4] [--precision
       float32|bf16] [--no-memory] [--out FILE.json]

Both train on the same texts, cut by the same tokenizer, in rows of 512 tokens, with AdamW, clipping to 1 and dropout:
an update is making the batch, masking it, forward, backward and the optimizer's step.
peer: DebertaV2ForMaskedLM over texts with their special tokens, concatenated into blocks of 512, masked by
DataCollatorForLanguageModeling at 15 %, every token through the vocabulary.
ours: what `korsci pretrain mlm` does with the same texts prepared: packed rows, n-gram masking at 15 %, the enhanced
mask decoder in place of the last layer, only masked tokens through the vocabulary.
The tables have the released model's 128,100 rows, whatever the tokenizer learnt from the corpus has.

Prints tokens a second of each, the median of the pairwise ratios (above 1: ours is faster); and of each, in a process
of its own, the most resident memory of two updates, and their ratio (below 1: ours needs less). Linux tells the memory.
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
from pathlib import Path
from typing import Any

import torch
import transformers

from korscideberta import DebertaV2Config, DebertaV2ForMaskedLM, DebertaV2Tokenizer
from korscideberta.pretraining.batches import BatchMaker
from korscideberta.pretraining.cleaning import Cleaning
from korscideberta.pretraining.documents import DocumentFormat
from korscideberta.pretraining.loop import update_batches
from korscideberta.pretraining.masking import Masker
from korscideberta.pretraining.mlm import MaskedLanguageModelling
from korscideberta.pretraining.prepare import prepare_corpus
from korscideberta.pretraining.rows import Rows
from korscideberta.pretraining.settings import PretrainSettings
from korscideberta.pretraining.shards import PreparedCorpus
from korscideberta.pretraining.work import PrepareSettings
from korscideberta.tokenization.corpus import CorpusFormat, find_corpus, read_blocks, read_texts
from korscideberta.tokenization.train import train_tokenizer

LENGTH = 512
PIECES = 128_100
TEXTS = 20_000
CLEAR_REFS = Path("/proc/self/clear_refs")


def make_data(files: list[str], folder: Path) -> None:
    """Write the texts, a tokenizer learnt from them and the prepared corpus."""
    reading = CorpusFormat(skip_bad=True)
    texts = [
        text
        for path in find_corpus(files)
        for block in read_blocks(path, reading)
        for text in read_texts(block, reading)[0]
        if text.strip()
    ][:TEXTS]
    (folder / "texts.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    tokenizer = train_tokenizer(texts, folder / "tokenizer", vocab_size=16_000)
    keep_all = Cleaning(
        control_characters=False, broken_spacing=False, min_hangul=0.0, boilerplate=0, duplicates=False,
        near_duplicates=False,
    )  # fmt: skip
    settings = PrepareSettings(form=DocumentFormat(reading=reading), cleaning=keep_all, valid_share=0.0)
    prepare_corpus([folder / "texts.txt"], folder / "data", tokenizer, settings)


def settings_of(options: argparse.Namespace) -> PretrainSettings:
    """The settings of our updates; the rate is the same throughout."""
    return PretrainSettings(
        batch_size=options.rows, max_length=LENGTH, precision=options.precision, learning_rate=1e-4,
        schedule="warmup_constant", warmup=0,
    )  # fmt: skip


def peer(folder: Path, options: argparse.Namespace) -> Callable[[], int]:
    """Return a call that makes one update as run_mlm.py does, and returns how many tokens it had."""
    tokenizer = DebertaV2Tokenizer.from_pretrained(folder / "tokenizer")
    texts = (folder / "texts.txt").read_text(encoding="utf-8").splitlines()
    joined = [index for row in tokenizer(texts)["input_ids"] for index in row]
    blocks = [{"input_ids": joined[start : start + LENGTH]} for start in range(0, len(joined) - LENGTH, LENGTH)]
    collate = transformers.DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15)
    config = DebertaV2Config(num_hidden_layers=options.layers, vocab_size=PIECES)
    values = {key: value for key, value in config.to_dict().items() if key != "model_type"}
    torch.manual_seed(0)
    model = transformers.DebertaV2ForMaskedLM(transformers.DebertaV2Config(**values)).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    place = [0]

    def update() -> int:
        rows = [blocks[(place[0] + number) % len(blocks)] for number in range(options.rows)]
        place[0] += options.rows
        batch = collate(rows)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.precision == "bf16"):
            loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return int(batch["input_ids"].numel())

    return update


def ours(folder: Path, options: argparse.Namespace) -> Callable[[], int]:
    """Return a call that makes one update as `korsci pretrain mlm` does, and returns how many tokens it had."""
    settings = settings_of(options)
    tokenizer = DebertaV2Tokenizer.from_pretrained(folder / "tokenizer")
    rows = Rows(PreparedCorpus.open(folder / "data"), "train", LENGTH - 2)
    maker = BatchMaker(rows, tokenizer, Masker(settings.masking, tokenizer))
    torch.manual_seed(0)
    model = DebertaV2ForMaskedLM(DebertaV2Config(num_hidden_layers=options.layers, vocab_size=PIECES))
    learner = MaskedLanguageModelling(model, settings, [], lambda: None)
    batches_of = update_batches(maker, settings, torch.device("cpu"))
    step = [0]

    def update() -> int:
        batches = batches_of(step[0])
        learner.update(batches, 1.0)
        step[0] += 1
        return sum(map(len, batches))

    return update


CONTENDERS: dict[str, Callable[[Path, argparse.Namespace], Callable[[], int]]] = {"peer": peer, "ours": ours}


def speed(update: Callable[[], int]) -> float:
    """Tokens a second of one update."""
    start = time.perf_counter()
    tokens = update()
    return tokens / (time.perf_counter() - start)


def peak(update: Callable[[], int]) -> float:
    """The most MiB that this process holds during two updates, of which the first makes the optimizer's state."""
    CLEAR_REFS.write_text("5", encoding="ascii")
    update()
    update()
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no VmHWM")


def peak_in_child(who: str, folder: Path, options: argparse.Namespace) -> float | None:
    """`peak`, measured in a fresh process; None where the system cannot tell."""
    if options.no_memory or not CLEAR_REFS.exists():
        return None
    command = [sys.executable, __file__, "--peak", who, "--folder", str(folder), "--layers", str(options.layers)]
    command += ["--rows", str(options.rows), "--precision", options.precision]
    root = Path(__file__).resolve().parents[1]
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    return float(done.stdout.split()[-1])


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    peaks = {who: peak_in_child(who, folder, options) for who in CONTENDERS}
    updates = {who: make(folder, options) for who, make in CONTENDERS.items()}
    for update in updates.values():
        update()
    pairs = [{who: speed(update) for who, update in updates.items()} for _ in range(options.rounds)]
    result: dict[str, Any] = {f"{who}_tokens_s": statistics.median(pair[who] for pair in pairs) for who in CONTENDERS}
    result["speed_ratio"] = statistics.median(pair["ours"] / pair["peer"] for pair in pairs)
    result |= {f"{who}_mib": value for who, value in peaks.items()}
    theirs, mine = peaks["peer"], peaks["ours"]
    result["memory_ratio"] = None if theirs is None or mine is None else mine / theirs
    result["pairs"] = pairs
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", nargs="+", help="files of text, a document a line")
    parser.add_argument("--quick", action="store_true", help="2 layers and 2 rounds")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--precision", choices=("float32", "bf16"), default="float32")
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--peak", choices=tuple(CONTENDERS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.layers = options.layers or (2 if options.quick else 12)
    options.rounds = options.rounds or (2 if options.quick else 5)
    if options.peak:
        print(peak(CONTENDERS[options.peak](options.folder, options)))
        return
    if not options.corpus:
        parser.error("--corpus is missing")
    transformers.logging.set_verbosity_error()
    cpu = f"{platform.processor() or platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    print(f"{cpu}, {torch.get_num_threads()} threads, {versions}")
    print(
        f"{options.layers} layers x 768, {options.rows} x {LENGTH}, {options.precision}, median of {options.rounds}\n"
    )
    with tempfile.TemporaryDirectory() as name:
        make_data(options.corpus, Path(name))
        result = measure(Path(name), options)
    print(f"{'':16}{'peer':>10}{'ours':>10}{'ratio':>8}")
    print(f"{'tokens/s':16}{result['peer_tokens_s']:10.0f}{result['ours_tokens_s']:10.0f}{result['speed_ratio']:8.2f}")
    if result["memory_ratio"] is not None:
        print(f"{'peak MiB':16}{result['peer_mib']:10.0f}{result['ours_mib']:10.0f}{result['memory_ratio']:8.2f}")
    if options.out:
        options.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
