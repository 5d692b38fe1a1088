"""How often the right one of several answers is chosen.

Every score takes the ids of the questions, the names of the answers chosen and those of the right ones.
"""

from __future__ import annotations

from collections.abc import Sequence


def accuracy(ids: Sequence[str], chosen: Sequence[str], gold: Sequence[str]) -> dict[str, float]:
    """Return the share of questions whose right answer is chosen."""
    return {"accuracy": sum(one == other for one, other in zip(chosen, gold, strict=True)) / len(gold)}


def race(ids: Sequence[str], chosen: Sequence[str], gold: Sequence[str]) -> dict[str, float]:
    """Return the accuracy on RACE, and that on its parts as far as they are there: middle and high school.

    The id of a question holds the name of the part, as in the official files (Lai et al. 2017).
    """
    figures = accuracy(ids, chosen, gold)
    for part in ("middle", "high"):
        rows = [row for row in zip(ids, chosen, gold, strict=True) if part in row[0]]
        if rows:
            figures[f"accuracy_{part}"] = accuracy(*zip(*rows, strict=True))["accuracy"]
    return figures
