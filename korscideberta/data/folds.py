"""Dividing documents into folds that have every label in proportion and never part a group."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from korscideberta.errors import ConfigError


def stratified_folds(
    labels: Sequence[str], groups: Sequence[int] | NDArray[np.int64] | None, folds: int, seed: int
) -> NDArray[np.int64]:
    """Return the fold of each document, 0 to `folds` − 1, by scikit-learn's StratifiedGroupKFold.

    `groups` None lets every document go where it will (StratifiedKFold).

    Raises:
        ConfigError: fewer than two folds, or more folds than there are groups or documents of the most frequent label.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    parts = len(labels) if groups is None else len(np.unique(groups))
    frequent = max(Counter(labels).values(), default=0)
    if not 2 <= folds <= min(parts, frequent):
        raise ConfigError(
            f"--folds {folds}: must lie between 2 and the number of groups, {parts:,}, and of documents of the most "
            f"frequent label, {frequent:,}"
        )
    splitter = (StratifiedKFold if groups is None else StratifiedGroupKFold)(folds, shuffle=True, random_state=seed)
    result = np.empty(len(labels), dtype=np.int64)
    with warnings.catch_warnings():
        # Labels with fewer documents than folds are common in a long tail, and no fault.
        warnings.simplefilter("ignore", UserWarning)
        for number, (_, held) in enumerate(splitter.split(np.zeros(len(labels)), np.asarray(labels), groups)):
            result[held] = number
    return result


def dev_documents(labels: Sequence[str], groups: NDArray[np.int64], seed: int, share: float = 0.1) -> NDArray[np.bool_]:
    """Mark about that share of the documents, whole groups, with each label in proportion as far as counts allow.

    Raises:
        ConfigError: there is one group only.
    """
    if len(np.unique(groups)) < 2:
        raise ConfigError(
            f"{len(labels):,} documents that belong together cannot be divided; check --group and --threshold"
        )
    members: dict[int, list[int]] = {}
    for index in np.random.default_rng(seed).permutation(len(labels)).tolist():
        members.setdefault(int(groups[index]), []).append(index)
    documents_of = Counter(labels)
    passed: Counter[str] = Counter()
    places = []
    for group in members.values():
        label = labels[group[0]]
        places.append(((passed[label] + 0.5 * len(group)) / documents_of[label], group))
        passed[label] += len(group)
    # Sorted by how far through its label each group comes, the first share has every label in proportion.
    wanted, chosen = share * len(labels), list[int]()
    for _, group in sorted(places):
        if len(chosen) + len(group) / 2 <= wanted:
            chosen += group
    held = np.zeros(len(labels), dtype=np.bool_)
    held[chosen or min(members.values(), key=len)] = True
    return held
