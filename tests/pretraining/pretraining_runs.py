"""Pretraining a model of two small layers on the small corpus."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from korscideberta.model import DebertaV2Config
from korscideberta.pretraining.models import CorpusChoice
from korscideberta.pretraining.runs import Start, train_masked_lm
from korscideberta.pretraining.settings import PretrainSettings
from korscideberta.run import RunDirectory

SHAPE = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 32, "position_buckets": 8, "initializer_range": 0.2,
}  # fmt: skip
SETTINGS = PretrainSettings(
    max_steps=16, batch_size=6, max_length=24, eval_every=8, save_every=3, log_every=2, learning_rate=2e-2, warmup=2
)
TIMING = ("tokens_per_second", "seconds_left", "peak_memory_bytes")


def shape_file(folder, **changes):
    """A file of settings; the vocabulary is the tokenizer's whatever it says."""
    values = {**DebertaV2Config(**SHAPE).to_dict(), "vocab_size": 50, **changes}
    folder.mkdir(exist_ok=True)
    path = folder / "shape.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    return str(path)


def pair_file(folder):
    """A file of settings of a discriminator and of a generator with half its layers."""
    values = json.loads(Path(shape_file(folder)).read_text(encoding="utf-8"))
    both = {"embedding_sharing": "gdes", "discriminator": values, "generator": {**values, "num_hidden_layers": 1}}
    (folder / "pair.json").write_text(json.dumps(both), encoding="utf-8")
    return str(folder / "pair.json")


def start(**options):
    return Start(device=torch.device("cpu"), **options)


def run_mlm(folder, corpus, model, *, settings=SETTINGS, **options):
    run = RunDirectory(folder)
    figures = train_masked_lm(CorpusChoice(data=corpus.folder), model, settings, run, start(**options))
    return run, figures


def records(run):
    """The journal without what depends on the clock."""
    lines = [json.loads(line) for line in run.journal.read_text(encoding="utf-8").splitlines()]
    return [{name: value for name, value in line.items() if name not in TIMING} for line in lines]
