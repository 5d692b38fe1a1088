"""The lines a SentencePiece model is trained on: normalised, cut into morphs, none too long."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from korscideberta.normalize import normalization
from korscideberta.tokenization.recipe import Recipe

MAX_LINE = 1000
"""Characters of a training line; longer ones are split, see `split_line`."""


def line_maker(recipe: Recipe) -> Callable[[str], Iterator[str]]:
    """What turns a text into its training lines; none for a blank text.

    Raises DependencyError where the analyser or its dictionary is missing, ModelError where the user dictionary cannot
    be used.
    """
    analyser = recipe.analyser().open()
    normalise = normalization(recipe.normalization)

    def lines(text: str) -> Iterator[str]:
        # Not every normalisation takes line ends away.
        return split_line(recipe.joiner.join(analyser.morphs(normalise(text))).replace("\n", " "))

    return lines


def split_line(line: str, limit: int = MAX_LINE) -> Iterator[str]:
    """Parts of `line` of at most `limit` characters, cut at spaces where there are any; blank parts are left out."""
    while line := line.strip(" "):
        end = len(line) if len(line) <= limit else line.rfind(" ", 1, limit + 1)
        end = limit if end < 0 else end
        yield line[:end].rstrip(" ")
        line = line[end:]
