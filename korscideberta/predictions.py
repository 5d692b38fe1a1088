"""Predicted labels with probabilities, as the files of a run directory and of `korsci predict` hold them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
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
