"""Finding near-duplicates: ours, exact, against MinHash of datasketch with its candidates verified.

usage: pip install '.[bench]' && python benchmarks/duplicates.py FILE.csv COLUMN [ROWS]
"""

from __future__ import annotations

import csv
import sys
import time

from korscideberta.data.duplicates import SHINGLE, THRESHOLD, near_duplicates, plain


def main() -> None:
    """Print time and pairs of both, and how many pairs each misses of the other's."""
    if "--help" in sys.argv:
        print(__doc__)
        return
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8", newline="") as stream:
        texts = [row[sys.argv[2]] for row in csv.DictReader(stream)]
    texts = list(dict.fromkeys(map(plain, texts[: int(sys.argv[3]) if len(sys.argv) > 3 else None])))
    print(f"{len(texts):,} different texts, {sum(map(len, texts)) / len(texts):.0f} letters on average")
    start = time.perf_counter()
    ours = {(pair.first, pair.second) for pair in near_duplicates(texts)}
    our_time = time.perf_counter() - start
    start = time.perf_counter()
    theirs = minhash_pairs(texts)
    their_time = time.perf_counter() - start
    print(f"ours        {our_time:7.2f} s  {len(ours):6,} pairs, {len(theirs - ours)} of theirs missed")
    print(f"datasketch  {their_time:7.2f} s  {len(theirs):6,} pairs, {len(ours - theirs)} of ours missed")
    print(f"ratio       {their_time / our_time:7.1f}")


def minhash_pairs(texts: list[str]) -> set[tuple[int, int]]:
    """Return the pairs that LSH over 128 permutations proposes and that are similar enough."""
    from datasketch import MinHash, MinHashLSH

    sets = [{text[i : i + SHINGLE] for i in range(max(1, len(text) - SHINGLE + 1))} for text in texts]
    hashes = MinHash.bulk([[shingle.encode() for shingle in one] for one in sets], num_perm=128)
    index = MinHashLSH(threshold=THRESHOLD, num_perm=128)
    pairs = set()
    for number, minhash in enumerate(hashes):
        for other in index.query(minhash):
            shared = len(sets[number] & sets[other])
            if shared / (len(sets[number]) + len(sets[other]) - shared) >= THRESHOLD - 1e-9:
                pairs.add((other, number))
        index.insert(number, minhash)
    return pairs


if __name__ == "__main__":
    main()
