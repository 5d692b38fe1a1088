"""Dividing examples into splits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from korscideberta.data.examples import SPLITS, Example
from korscideberta.data.readers import read_table
from korscideberta.errors import DataError


def splits_in(paths: Sequence[Path]) -> tuple[str, ...]:
    """Return which splits the `split` columns of these tables name; none where a table has no such column."""
    tables = [read_table(path) for path in paths]
    found = {row.cells["split"] for table in tables if "split" in table.columns for row in table.rows}
    return tuple(split for split in SPLITS if split in found)


def hold_out(examples: Sequence[Example], share: float, seed: int) -> tuple[list[Example], list[Example]]:
    """Divide examples into (kept, held back), keeping the shares of the primary labels as far as counts allow.

    Raises:
        DataError: there are too few examples to hold one back.
    """
    wanted = round(len(examples) * share)
    if wanted < 1:
        raise DataError(f"{len(examples)} training rows are too few to hold some back; give --dev")
    order = np.random.default_rng(seed).permutation(len(examples)).tolist()
    by_label: dict[str, list[int]] = {}
    for index in order:
        by_label.setdefault(examples[index].labels[0], []).append(index)
    # Sorted by how far through its label each example comes, a prefix has every label in proportion.
    ranked = sorted(
        ((place + 0.5) / len(indices), index) for indices in by_label.values() for place, index in enumerate(indices)
    )
    held = {index for _, index in ranked[:wanted]}
    kept = [example for index, example in enumerate(examples) if index not in held]
    return kept, [examples[index] for index in sorted(held)]
