"""Repeated lines and documents of a corpus whose keys do not fit into memory.

Keys are 64-bit hashes in files, in the order of the corpus. They are looked at in passes over those files, each for a
stretch of the range of keys small enough to be sorted in memory.
"""

# Shapes: N documents or lines, S shingles of all documents, M minima of a signature, K bands of it

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]

BANDS, ROWS = 5, 8
"""Documents are almost the same when all the minima of a band agree: of two that share 95 % of their shingles
99.6 % are found, at 90 % 94 %, at 70 % 25 %, at 50 % 2 %."""

NONE = np.uint64(0)
"""The key of what is not compared."""

_SHINGLE = 5
_FEWEST = 16
_AT_ONCE = 1 << 25

_RANDOM = np.random.default_rng(20240321)
_FACTORS_M: Keys = _RANDOM.integers(0, 2**63, BANDS * ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_POWERS: Keys = np.cumprod(np.full(_SHINGLE, 0x9E3779B97F4A7C15, dtype=np.uint64), dtype=np.uint64)


def text_key(text: str) -> bytes:
    """Eight bytes that are the same for texts that are the same but for white space."""
    return hashlib.blake2b("".join(text.split()).encode("utf-8", "replace"), digest_size=8).digest()


def as_keys(digests: Iterable[bytes]) -> Keys:
    """The digests as numbers, none of them `NONE`."""
    keys = np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)
    return np.maximum(keys, np.uint64(1))


def band_keys(texts: Sequence[str]) -> Keys:
    """(N, K) keys: documents that share one are almost the same. `NONE` for texts too short to tell.

    The minima are those of random functions over the shingles, five characters each, white space left out. Source:
    Broder 1997, On the resemblance and containment of documents.
    """
    stripped = ["".join(text.split()) for text in texts]
    lengths = np.array([len(text) for text in stripped])
    keys = np.full((len(texts), BANDS), NONE)
    long = np.flatnonzero(lengths >= _SHINGLE + _FEWEST - 1)
    if not len(long):
        return keys
    joined = "".join(stripped[place] for place in long)
    character = np.frombuffer(joined.encode("utf-32-le", "replace"), dtype="<u4").astype(np.uint64)
    with np.errstate(over="ignore"):
        count = len(character) - _SHINGLE + 1
        shingle_S = np.zeros(count, dtype=np.uint64)
        for place, power in enumerate(_POWERS):
            shingle_S += character[place : place + count] * power
        shingle_S = _mixed(shingle_S)
        ends = np.cumsum(lengths[long])
        starts = ends - lengths[long]
        # A shingle that reaches into the next document belongs to none.
        inside = np.ones(len(shingle_S), dtype=bool)
        for back in range(1, _SHINGLE):
            places = ends - back
            inside[places[places < len(inside)]] = False
        shingle_S = shingle_S[inside]
        first = starts - np.arange(len(long)) * (_SHINGLE - 1)
        minima_NM = np.stack([np.minimum.reduceat(shingle_S * factor, first) for factor in _FACTORS_M], axis=1).reshape(
            len(long), BANDS, ROWS
        )
        band_NK = np.arange(1, BANDS + 1, dtype=np.uint64) * np.ones((len(long), 1), dtype=np.uint64)
        for row in range(ROWS):
            band_NK = _mixed(band_NK * _POWERS[0] ^ minima_NM[:, :, row])
    keys[long] = np.maximum(band_NK, np.uint64(1))
    return keys


def repeated_keys(parts: Callable[[], Iterator[Keys]], total: int, times: int) -> tuple[Keys, NDArray[np.int64]]:
    """The keys that occur at least `times` times among `total`, in ascending order, and where each occurs first.

    `parts` reads the keys anew, in order, whenever it is called; places count from the first of them.
    """
    keys, places = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for key, place in _sorted_stretches(parts, total):
        starts = _run_starts(key)
        often = np.diff(np.append(starts, len(key))) >= times
        keys.append(key[starts[often]])
        places.append(place[starts[often]])
    return np.concatenate(keys), np.concatenate(places)


def mark_later(parts: Callable[[], Iterator[Keys]], total: int, marks: NDArray[np.bool_]) -> None:
    """Mark, for each of `total` keys, whether it occurs earlier; marks that are set stay."""
    for key, place in _sorted_stretches(parts, total):
        later = np.ones(len(key), dtype=bool)
        later[_run_starts(key)] = False
        marks[place[later]] = True


def _sorted_stretches(parts: Callable[[], Iterator[Keys]], total: int) -> Iterator[tuple[Keys, NDArray[np.int64]]]:
    """The keys but `NONE` with their places, in stretches of ascending keys; equal keys by their places."""
    passes = -(-total // _AT_ONCE) if total else 0
    for number in range(passes):
        low, high = (np.uint64(min(bound * 2**64 // passes, 2**64 - 1)) for bound in (number, number + 1))
        keys, places, start = [], [], 0
        for part in parts():
            inside = (part >= low) & ((part < high) | (number + 1 == passes)) & (part != NONE)
            keys.append(part[inside])
            places.append(np.flatnonzero(inside) + start)
            start += len(part)
        key, place = np.concatenate(keys), np.concatenate(places)
        order = np.argsort(key, kind="stable")
        yield key[order], place[order]


def _run_starts(key: Keys) -> NDArray[np.int64]:
    return np.flatnonzero(np.append(True, key[1:] != key[:-1])) if len(key) else np.empty(0, np.int64)


def _mixed(x: Keys) -> Keys:
    """A fixed random-looking permutation of 64-bit numbers (the finaliser of SplitMix64)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
