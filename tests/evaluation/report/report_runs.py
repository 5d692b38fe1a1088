"""Run directories with made-up predictions, as 'korsci train' would leave them."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from korscideberta.metrics.summary import summarise
from korscideberta.run import RunDirectory
from korscideberta.tasks import get


def write_run(
    folder: Path,
    labels: Sequence[str],
    *,
    task: str = "classify",
    documents: int = 400,
    k: int = 3,
    skill: float = 3.0,
    seed: int = 0,
    split: str = "test",
    ids: Sequence[str] | None = None,
    most_gold: int = 1,
) -> Path:
    """Write a run whose gold labels are long-tailed and whose scores are noise that favours the gold label."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    share = 1 / np.arange(1, len(labels) + 1)
    share /= share.sum()
    gold = [
        random.choice(len(labels), size=1 + row % most_gold, replace=False, p=share).tolist()
        for row in range(documents)
    ]
    logits = random.normal(size=(documents, len(labels)))
    for row, indices in enumerate(gold):
        logits[row, indices[0]] += skill
        logits[row, (indices[0] + 1) % len(labels)] += skill / 2  # neighbours are taken for one another
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    k = min(k, len(labels))
    counts = np.maximum(1, (share * documents * 3).astype(int)).tolist()
    run = RunDirectory(folder)
    run.write_metrics({split: summarise(get(task).score, scores, gold, k, counts)})
    with run.predictions(split).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "gold", *(f"pred_{i + 1}" for i in range(k)), *(f"prob_{i + 1}" for i in range(k))])
        for row, indices in enumerate(gold):
            best = np.argsort(-scores[row], kind="stable")[:k]
            name = str(row + 1) if ids is None else ids[row]
            shares = (f"{scores[row, i]:.6f}" for i in best)
            writer.writerow([name, "|".join(labels[i] for i in indices), *(labels[i] for i in best), *shares])
    metric = get(task).metric
    with run.journal.open("w", encoding="utf-8") as stream:
        for step in range(10, 201, 10):
            loss = {"step": step, "epoch": step / 50, "loss": 3 * np.exp(-step / 60) + 0.3, "learning_rate": 1e-4}
            print(json.dumps(loss), file=stream)
            if step % 50 == 0:
                print(json.dumps({"step": step, "split": "dev", metric: 0.2 + step / 400}), file=stream)
    record = {
        "task": task,
        "data": {
            name: [{"file": f"/home/someone/secret/{name}.csv", "sha256": f"{index}" * 64}]
            for index, name in enumerate(("train", "dev", "test"))
        },
        "columns": None,
        "model": {"model": "nano", "tokenizer": None, "user_dictionary": None, "vocab_size": 8000},
        "model_commit": None,
        "settings": {"epochs": 4, "batch_size": 32, "learning_rate": 0.0005, "seed": seed, "precision": "float32"},
        "max_length": 128,
        "labels": list(labels),
        "train_label_counts": counts,
        "tokenizer": {"engine": "mecab", "digest": "ab" * 32, "special_ids": {"pad": 0}},
        "world_size": 1,
        "device": "cpu",
        "versions": {"korscideberta": "0.0", "torch": "2.0", "python": "3.11"},
    }
    run.settings_file.write_text(json.dumps(record), encoding="utf-8")
    return folder
