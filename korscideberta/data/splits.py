"""Dividing examples into splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from korscideberta.data.examples import SPLITS, BaseExample
from korscideberta.data.readers import open_table, read_columns
from korscideberta.errors import DataError

AnyExample = TypeVar("AnyExample", bound=BaseExample)


def splits_in(paths: Sequence[Path]) -> tuple[str, ...]:
    """Return which splits the `split` columns of these tables name; none where a table has no such column."""
    found = {row.cells["split"] for path in paths if "split" in read_columns(path) for row in open_table(path).rows}
    return tuple(split for split in SPLITS if split in found)


def hold_out_groups(
    examples: Sequence[AnyExample], share: float, seed: int, group: Callable[[AnyExample], str]
) -> tuple[list[AnyExample], list[AnyExample]]:
    """Divide examples into (kept, held back), never parting a group.

    Groups are held back in an order that the seed decides, as long as that brings the share of the examples nearer; at
    least one is.

    Raises:
        DataError: all examples are of one group.
    """
    sizes = Counter(group(example) for example in examples)
    names = list(sizes)
    if len(names) < 2:
        raise DataError(f"{len(examples)} training examples that belong together cannot be divided; give --dev")
    wanted, held, count = share * len(examples), set[str](), 0
    for place in np.random.default_rng(seed).permutation(len(names)).tolist():
        size = sizes[names[place]]
        if not held or (len(held) < len(names) - 1 and count + size / 2 <= wanted):
            held.add(names[place])
            count += size
    kept = [example for example in examples if group(example) not in held]
    return kept, [example for example in examples if group(example) in held]


def hold_out(
    examples: Sequence[AnyExample], share: float, seed: int, stratum: Callable[[AnyExample], str]
) -> tuple[list[AnyExample], list[AnyExample]]:
    """Divide examples into (kept, held back), keeping the shares of the strata as far as counts allow.

    Args:
        examples: what to divide.
        share: share to hold back.
        seed: equal seeds divide equally.
        stratum: names the group whose share is kept, such as the primary label of an example.

    Raises:
        DataError: there are too few examples to hold one back.
    """
    wanted = round(len(examples) * share)
    if wanted < 1:
        raise DataError(f"{len(examples)} training rows are too few to hold some back; give --dev")
    order = np.random.default_rng(seed).permutation(len(examples)).tolist()
    by_stratum: dict[str, list[int]] = {}
    for index in order:
        by_stratum.setdefault(stratum(examples[index]), []).append(index)
    # Sorted by how far through its stratum each example comes, a prefix has every stratum in proportion.
    ranked = sorted(
        ((place + 0.5) / len(indices), index) for indices in by_stratum.values() for place, index in enumerate(indices)
    )
    held = {index for _, index in ranked[:wanted]}
    kept = [example for index, example in enumerate(examples) if index not in held]
    return kept, [examples[index] for index in sorted(held)]
