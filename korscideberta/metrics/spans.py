"""Entities as tag sequences spell them, and their F1 scores: those of conlleval, seqeval and KLUE-NER."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

Entity = tuple[int, int, str]
"""Start and end, half-open, and type."""

OUTSIDE = "O"


def entities(tags: Sequence[str], *, strict: bool = False) -> list[Entity]:
    """Return the entities that BIO tags spell, in their order.

    An `I-` tag that continues nothing (at the beginning, after `O` or after another type) begins an entity, as in
    conlleval and in seqeval's default mode; with `strict` it is outside, as in seqeval's strict mode with IOB2.

    Raises:
        ValueError: a tag is none of `O`, `B-…` and `I-…`.
    """
    found: list[Entity] = []
    start, kind = 0, ""
    for place, tag in enumerate([*tags, OUTSIDE]):
        prefix, _, label = tag.partition("-")
        if tag != OUTSIDE and (prefix not in ("B", "I") or not label):
            raise ValueError(f"tag {place} is {tag!r}; expected O, B-TYPE or I-TYPE")
        if prefix == "I" and label == kind:
            continue
        if kind:
            found.append((start, place, kind))
        start, kind = place, "" if strict and prefix == "I" else label
    return found


def entity_scores(
    gold: Sequence[Collection[Entity]], predicted: Sequence[Collection[Entity]], types: Sequence[str] = ()
) -> dict[str, float]:
    """Compare the entities of each text; one is right when start, end and type are.

    Returns:
        `precision`, `recall` and `f1_micro` over all entities, `f1_macro`, the unweighted mean over the types in either
        list, and `f1_TYPE` for each of `types`. What has an empty denominator is 0, as in seqeval.

    Raises:
        ValueError: the numbers of texts differ.
    """
    right: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    given: Counter[str] = Counter()
    for true, guess in zip(map(set, gold), map(set, predicted), strict=True):
        right.update(label for _, _, label in true & guess)
        wanted.update(label for _, _, label in true)
        given.update(label for _, _, label in guess)
    by_type = {label: _f1(right[label], wanted[label], given[label]) for label in sorted(wanted | given)}
    return {
        "f1_micro": _f1(right.total(), wanted.total(), given.total()),
        "f1_macro": sum(by_type.values()) / len(by_type) if by_type else 0.0,
        "precision": right.total() / given.total() if given else 0.0,
        "recall": right.total() / wanted.total() if wanted else 0.0,
        **{f"f1_{label}": by_type.get(label, 0.0) for label in types},
    }


def character_f1(
    gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], tags: Sequence[str], *, official: bool
) -> float:
    """Return the macro-F1 of single tags, the mean over all of `tags`.

    `official` does as KLUE's own script (`klue_ner_char_macro_f1` of KLUE-baseline): a tag that neither list has counts
    as 1, otherwise as 0, and the special token before and after each text is one more character whose tag is `O`; these
    two count as found.

    Raises:
        ValueError: the numbers of texts or of tags in one differ.
    """
    number_of = {tag: number for number, tag in enumerate(dict.fromkeys([*tags, OUTSIDE]))}
    frame = 2 * len(gold) if official else 0
    true, guess = [number_of[OUTSIDE]] * frame, [number_of[OUTSIDE]] * frame
    other = len(number_of)
    for line, predictions in zip(gold, predicted, strict=True):
        if len(line) != len(predictions):
            raise ValueError(f"{len(predictions)} predicted tags for {len(line)} characters")
        true += [number_of.get(tag, other) for tag in line]
        guess += [number_of.get(tag, other) for tag in predictions]
    true_N, guess_N = np.array(true, dtype=np.int64), np.array(guess, dtype=np.int64)
    right, wanted, given = (
        np.bincount(numbers, minlength=other + 1)[[number_of[tag] for tag in tags]]
        for numbers in (true_N[true_N == guess_N], true_N, guess_N)
    )
    total = wanted + given
    return float(np.where(total == 0, float(official), 2 * right / np.maximum(total, 1)).mean())


def _f1(right: int, wanted: int, given: int) -> float:
    return 2 * right / (wanted + given) if wanted + given else 0.0
