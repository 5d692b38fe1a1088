"""Pretraining a 12 x 768 masked language model: ours against the recipe of transformers' run_mlm.py, in one process.

usage: python benchmarks/pretraining.py [--corpus FILE …] [--quick] [--layers 12] [--rounds 5] [--rows 4] [--precision
       float32|bf16] [--no-memory] [--json FILE]

Both train on the same texts (--corpus, a text a line; default $KORSCI_SHARED/data/corpus/science_books.txt.gz), cut by
the same tokenizer, in rows of 512 tokens, with AdamW, clipping to 1 and dropout: an update is making the
batch, masking it, forward, backward and the optimizer's step.
peer: DebertaV2ForMaskedLM over texts with their special tokens, concatenated into blocks of 512, masked by
DataCollatorForLanguageModeling at 15 %, every token through the vocabulary.
ours: what `korsci pretrain mlm` does with the same texts prepared: packed rows, n-gram masking at 15 %, the enhanced
mask decoder in place of the last layer, only masked tokens through the vocabulary.
The tables have the released model's 128,100 rows, whatever the tokenizer learnt from the corpus has.

Prints tokens a second of each, the median of the pairwise ratios (above 1: ours is faster); and of each, in a process
of its own, the most resident memory of two updates, and the share of the peer's that ours needs (Linux).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import transformers

from _measure import LINES, compared, in_child, in_turn, memory_is_told, peak_mib, shared, vocabulary_for
from _table import Row, Table, add_options
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
    tokenizer = train_tokenizer(texts, folder / "tokenizer", vocab_size=vocabulary_for(texts))
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


def measure(folder: Path, options: argparse.Namespace) -> Row:
    """The row of the table."""
    words = ["--folder", folder, "--layers", options.layers, "--rows", options.rows, "--precision", options.precision]
    peaks = {
        f"{who}_mib": in_child(__file__, ["--peak", who, *words])
        for who in CONTENDERS
        if memory_is_told() and not options.no_memory
    }
    updates = {who: make(folder, options) for who, make in CONTENDERS.items()}
    for update in updates.values():
        update()
    rounds = in_turn({who: partial(speed, update) for who, update in updates.items()}, options.rounds)
    name = f"masked language model {options.precision}, {options.rows} x {LENGTH}"
    return Row(name=name, unit="tokens/s", against="run_mlm.py", **compared(rounds), **peaks)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", nargs="+", default=[], help="files of text, a document a line")
    add_options(parser, "2 layers and 2 rounds")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--precision", choices=("float32", "bf16"), default="float32")
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--peak", choices=tuple(CONTENDERS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.layers = options.layers or (2 if options.quick else 12)
    options.rounds = options.rounds or (2 if options.quick else 5)
    if options.peak:
        update = CONTENDERS[options.peak](options.folder, options)
        # The first update makes the optimizer's state.
        print(json.dumps(peak_mib(lambda: (update(), update()))))
        return
    files = options.corpus or [str(path) for path in [shared(LINES)] if path is not None]
    if not files:
        parser.error("--corpus is missing")
    transformers.logging.set_verbosity_error()
    names = ", ".join(Path(file).name for file in files)
    table = Table("pretraining", f"{options.layers} layers x 768, median of {options.rounds}; {names}", options)
    with tempfile.TemporaryDirectory() as name:
        make_data(files, Path(name))
        table.add(measure(Path(name), options))


if __name__ == "__main__":
    main()
