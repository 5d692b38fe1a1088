"""The released tokenizer's recipe as its own code runs it: an analyser built anew for every line."""

from __future__ import annotations

import os
from collections.abc import Sequence

import MeCab
import sentencepiece

from korscideberta.normalize import normalize
from korscideberta.tokenization.dictionary import find_dictionary


def released_ids(lines: Sequence[str], processor: sentencepiece.SentencePieceProcessor) -> list[list[int]]:
    """Normalise, build an analyser, cut the line, join its morphs with spaces, ask SentencePiece; for every line."""
    options = f"-r {os.devnull} -d {find_dictionary()} -O wakati"
    return [
        processor.encode(" ".join(MeCab.Tagger(options).parse(normalize(line)).split()), out_type=int) for line in lines
    ]
