"""Whether a SentencePiece model gives a line the ids of its words, one after another.

Then the ids of a word can be looked up instead of computed: the morphs of Korean text are few and recur. It holds for
BPE models of the usual settings, and is read from the model, never assumed.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from korscideberta.tokenization.model_file import ModelSettings

WORD_MARK = "\u2581"
"""What SentencePiece writes for a space, and puts before a text."""


def splits_at_spaces(settings: ModelSettings, pieces: Iterable[str]) -> bool:
    """Whether encoding the words between spaces gives the ids of any whole text that does not hold `WORD_MARK`.

    A BPE merge depends on nothing but the two symbols merged and their neighbours, so words are independent where

    - no piece has a space in it, or the mark of one behind its first character, so that nothing crosses a word's start;
    - the mark itself is a piece, so that two unknown characters in neighbouring words do not become one unknown id;
    - the model starts every text with a space and drops repeated and outer ones, so that a word is given the same
      characters alone as inside a line;
    - none of its character rules looks at a space together with what stands beside it, or writes the mark.

    A unigram model sums scores along the whole line in floating point; rounding makes its words dependent.
    """
    regular = (
        settings.dummy_prefix
        and settings.single_spaces
        and settings.escaped_spaces
        and not settings.space_as_suffix
        and settings.model_type == "bpe"
    )
    if not regular or not _rules_keep_to_words(settings.character_rules):
        return False
    has_mark = False
    for piece in pieces:
        if " " in piece or WORD_MARK in piece[1:]:
            return False
        has_mark |= piece == WORD_MARK
    return has_mark


def _rules_keep_to_words(rules: bytes) -> bool:
    """Whether no key of the rules but a single space holds a space, and no replacement holds `WORD_MARK`.

    The keys are the paths of a double-array trie (Aoe 1989, in the layout of darts-clone): the unit at place p has its
    child for byte c at `p ^ offset ^ c`, and that child is labelled c. Units that are not in use may look like one for
    a space; they can only make the answer False where True were right.
    """
    if not rules:
        return True
    size = int.from_bytes(rules[:4], "little")
    trie, replacements = rules[4 : 4 + size], rules[4 + size :]
    if len(trie) != size or size % 4 or size == 0 or WORD_MARK.encode() in replacements:
        return False
    units = np.frombuffer(trie, dtype="<u4")
    labels = units & 0x800000FF
    children = np.arange(len(units), dtype=np.uint32) ^ ((units >> 10) << ((units & 0x200) >> 6))
    space = int(children[0]) ^ 0x20
    inside = np.flatnonzero(labels == 0x20)
    inside = inside[inside != space] ^ 0x20
    if np.isin(inside, children[units >> 31 == 0]).any():
        return False
    if space >= len(units) or labels[space] != 0x20:
        return True
    after = int(children[space]) ^ np.arange(1, 256)
    return not (labels[after[after < len(units)]] == np.arange(1, 256)[after < len(units)]).any()
