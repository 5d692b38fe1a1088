"""How many rows have each label, told before training begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_ALL_SHOWN = 40
_MOST_AND_LEAST = 10


def support_table(
    labels: Sequence[str], examples: Mapping[str, Sequence[Any]], display: Callable[[str], str] = str
) -> str:
    """Lay out the rows of each split that have a label, labels with the most training rows first.

    Of many labels those with the most and with the least are shown, and how many have no training row at all.
    """
    counts = {split: Counter(label for one in rows for label in one.labels) for split, rows in examples.items()}
    ordered = sorted(labels, key=lambda label: -counts["train"][label])
    without = sum(counts["train"][label] == 0 for label in labels)
    if len(ordered) <= _ALL_SHOWN:
        shown = [*ordered]
    else:
        present = ordered[: len(ordered) - without]
        shown = [*present[:_MOST_AND_LEAST], "", *present[_MOST_AND_LEAST:][-_MOST_AND_LEAST:]]
    lines = ["".join(f"{split:>9}" for split in counts) + "  rows of"]
    for label in shown:
        numbers = "".join(f"{found[label]:>9,}" for found in counts.values())
        lines.append(f"{numbers}  {display(label)}" if label else "".join(f"{'…':>9}" for _ in counts))
    if without and len(ordered) > _ALL_SHOWN:
        lines.append(f"{without:,} of {len(ordered):,} labels have no training row")
    return "\n".join(lines)
