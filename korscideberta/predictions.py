"""Predicted labels with probabilities, as the files of a run directory and of `korsci predict` hold them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from korscideberta.data.examples import Example
from korscideberta.files import replacing
from korscideberta.inference import probabilities
from korscideberta.metrics.topk import rank_labels

Ranked = list[tuple[str, float]]
"""Labels with probabilities, best first."""


def top_labels(logits: NDArray[np.float32], labels: Sequence[str], k: int) -> list[Ranked]:
    """Return for each row of (N, C) logits the k best labels with their probabilities, best first."""
    shares = probabilities(logits)
    ranked = rank_labels(logits)[:, :k]
    return [[(labels[i], float(share[i])) for i in row] for row, share in zip(ranked.tolist(), shares, strict=True)]


def write_predictions(
    path: Path, examples: Sequence[Example], logits: NDArray[np.float32], labels: Sequence[str], k: int
) -> None:
    """Write the k best labels beside the gold ones, as `write_csv` does."""
    write_csv(path, examples, top_labels(logits, labels, k))


def write_csv(path: Path, examples: Sequence[Example], best: Sequence[Ranked]) -> None:
    """Write `id,gold,pred_1…pred_k,prob_1…prob_k`; several gold labels are joined with `|`."""
    k = len(best[0])
    header = ["id", "gold", *(f"pred_{i + 1}" for i in range(k)), *(f"prob_{i + 1}" for i in range(k))]
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        for example, ranked in zip(examples, best, strict=True):
            names, shares = zip(*ranked, strict=True)
            writer.writerow([example.id, "|".join(example.labels), *names, *(f"{share:.6f}" for share in shares)])


def json_lines(examples: Sequence[Example], best: Sequence[Ranked]) -> Iterator[str]:
    """Yield `{"id": …, "labels": [{"label": …, "probability": …}, …]}` for each example."""
    for example, ranked in zip(examples, best, strict=True):
        labels = [{"label": label, "probability": round(share, 6)} for label, share in ranked]
        yield json.dumps({"id": example.id, "labels": labels}, ensure_ascii=False)


def write_jsonl(path: Path, examples: Sequence[Example], best: Sequence[Ranked]) -> None:
    """Write the lines of `json_lines` to a file."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in json_lines(examples, best))


WRITERS: dict[str, Callable[[Path, Sequence[Example], Sequence[Ranked]], None]] = {
    ".csv": write_csv,
    ".jsonl": write_jsonl,
}
"""Writers of predictions by the ending of the file's name."""
