"""Near-duplicate texts and the groups they form.

Two texts are near-duplicates when the Jaccard similarity of their sets of character shingles (runs of a few letters and
digits) reaches a threshold. The pairs are found exactly: no pair above the threshold is missed and none below it is
named, as MinHash would.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

THRESHOLD, SHINGLE = 0.8, 5

_NOT_A_LETTER = re.compile(r"[\W_]+")
_ROUNDING = 1e-9  # so that 0.8 × 5 shingles are 4, whatever the last bit of the product says


class Pair(NamedTuple):
    """Two texts by their places, and how similar they are."""

    first: int
    second: int
    similarity: float


def near_duplicates(texts: Sequence[str], threshold: float = THRESHOLD, size: int = SHINGLE) -> list[Pair]:
    """Return the pairs of texts with a Jaccard similarity of at least `threshold`, sorted.

    Case, width, spaces and punctuation do not count. Texts whose shingles are the same are paired with the first of
    them alone, so that a thousand copies of a text make 999 pairs; all others are compared with that first one.

    Args:
        texts: the documents.
        threshold: similarity in (0, 1].
        size: letters of a shingle; a shorter text is one shingle.

    Source: prefix filtering, Bayardo et al. 2007, Scaling up all pairs similarity search; Xiao et al. 2008, Efficient
    similarity joins for near duplicate detection.
    """
    if not 0 < threshold <= 1 or size < 1:
        raise ValueError(f"threshold={threshold} must lie in (0, 1], size={size} be at least 1")
    sets = shingle_sets([plain(text) for text in texts], size)
    first_of: dict[bytes, int] = {}
    pairs = []
    for index, shingles in enumerate(sets):
        first = first_of.setdefault(shingles.tobytes(), index)
        if first != index:
            pairs.append(Pair(first, index, 1.0))
    pairs += _similar(sets, list(first_of.values()), threshold)
    return sorted(pairs)


def plain(text: str) -> str:
    """Return the letters and digits of a text, in NFKC and lower case; the text itself when it has none."""
    return _NOT_A_LETTER.sub("", unicodedata.normalize("NFKC", text).lower()) or text


def shingle_sets(texts: Sequence[str], size: int) -> list[NDArray[np.int64]]:
    """Return the distinct shingles of each text as numbers; the rarer a shingle among the texts, the smaller."""
    if not texts:
        return []
    padded = [text.ljust(size, "\0") for text in texts]
    lengths = np.array([len(text) for text in padded])
    letters = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    document = np.repeat(np.arange(len(texts)), lengths)
    starts = np.cumsum(lengths) - lengths
    inside = np.arange(len(letters)) - starts[document] <= lengths[document] - size
    codes, document = _codes(letters, size)[inside[: len(letters) - size + 1]], document[inside]
    _, codes = np.unique(codes, return_inverse=True)
    distinct = np.unique(np.stack([document, codes], axis=1), axis=0)
    frequency = np.bincount(distinct[:, 1])
    rarity = np.empty_like(frequency)
    rarity[np.argsort(frequency, kind="stable")] = np.arange(len(frequency))
    distinct[:, 1] = rarity[distinct[:, 1]]
    distinct = distinct[np.lexsort((distinct[:, 1], distinct[:, 0]))]
    return np.split(distinct[:, 1], np.cumsum(np.bincount(distinct[:, 0]))[:-1])


def _codes(letters: NDArray[np.uint32], size: int) -> NDArray[np.int64]:
    """Number each run of `size` letters so that equal runs, and only these, have equal numbers."""
    alphabet, plain_letters = np.unique(letters, return_inverse=True)
    base = len(alphabet)
    codes = plain_letters.astype(np.int64)
    most = base
    for step in range(1, size):
        if most * base > 2**62:
            known, codes = np.unique(codes, return_inverse=True)
            most = len(known)
        codes = codes[:-1] * base + plain_letters[step:]
        most *= base
    return codes


def _similar(sets: Sequence[NDArray[np.int64]], chosen: Sequence[int], threshold: float) -> list[Pair]:
    """Join the chosen sets with themselves, shorter ones first.

    Of sets x and y, y the shorter, that are similar enough, the first |x| − ⌈t|x|⌉ + 1 and |y| − ⌈2t|y| / (1 + t)⌉ + 1
    members share one; as the rarest come first, few other sets do.
    """
    pairs = []
    holders: dict[int, list[int]] = defaultdict(list)
    for index in sorted(chosen, key=lambda index: (len(sets[index]), index)):
        members = sets[index].tolist()
        count = len(members)
        probed = count - math.ceil(threshold * count - _ROUNDING) + 1
        indexed = count - math.ceil(2 * threshold / (1 + threshold) * count - _ROUNDING) + 1
        shortest = threshold * count - _ROUNDING
        candidates = {
            other for member in members[:probed] for other in holders.get(member, ()) if len(sets[other]) >= shortest
        }
        for member in members[:indexed]:
            holders[member].append(index)
        own = set(members)
        for other in candidates:
            shared = len(own.intersection(sets[other].tolist()))
            similarity = shared / (count + len(sets[other]) - shared)
            if similarity >= threshold - _ROUNDING:
                pairs.append(Pair(min(index, other), max(index, other), similarity))
    return pairs


def linked_groups(documents: int, pairs: Iterable[Pair], keys: Sequence[Hashable] | None = None) -> NDArray[np.int64]:
    """Return a group number for each document: documents are together that a pair or an equal key links, or a chain.

    Groups are numbered from 0 in the order of their first documents.
    """
    parent = list(range(documents))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    def link(one: int, other: int) -> None:
        one, other = sorted((root(one), root(other)))
        parent[other] = one

    for pair in pairs:
        link(pair.first, pair.second)
    first_of: dict[Hashable, int] = {}
    for index, key in enumerate(keys or ()):
        link(first_of.setdefault(key, index), index)
    _, numbers = np.unique([root(index) for index in range(documents)], return_inverse=True)
    return numbers.astype(np.int64)
