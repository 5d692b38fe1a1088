"""Morphological analysers by name: text in, surface forms of its morphs out.

The engine matters: on Korean sentences `mecab` and the fork `mecab-ko` cut 1.7 % differently over one
dictionary, on news headlines 4.2 %, so a tokenizer records which one it was trained with.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from korscideberta.errors import ConfigError, DependencyError
from korscideberta.tokenization.dictionary import (
    DEFAULT_DICTIONARY,
    check_dictionary,
    check_user_dictionary,
    find_dictionary,
)

ENGINES = ("mecab", "mecab-ko", "none")

WINDOW = 4096
"""Characters given to MeCab at once: its lattice takes 2.6 KB a character and long unbroken runs quadratic time."""

_MODULES = {"mecab": ("MeCab",), "mecab-ko": ("mecab_ko", "_mecab")}
"""Modules that hold an engine, the first one installed being taken: the fork is in mecab-ko and in python-mecab-ko."""
_REMEDIES = {"mecab": "pip install mecab-python3", "mecab-ko": "pip install korscideberta[mecab-ko]"}


class Analyser(Protocol):
    """Anything that cuts a text into morphs."""

    def morphs(self, text: str) -> list[str]:
        """Surface forms in order; an empty list for an empty text."""
        ...

    def spaced(self, text: str) -> str:
        """The surface forms with one space between two of them: `" ".join(morphs(text))`, made faster."""
        ...


class UncutAnalyser:
    """Engine `none`: the text is passed on whole, so that the pieces are SentencePiece's own."""

    def morphs(self, text: str) -> list[str]:
        """The text itself, or nothing for an empty one."""
        return [text] if text else []

    def spaced(self, text: str) -> str:
        """The text itself."""
        return text


class MecabAnalyser:
    """MeCab, or its fork, over a compiled dictionary folder.

    Texts longer than `WINDOW` characters are analysed window by window, cut at white space where there is any. Safe to
    share between threads; not to be pickled (see `SharedAnalyser`).
    """

    def __init__(self, engine: str, dictionary: Path, user_dictionary: Path | None = None) -> None:
        check_dictionary(dictionary)
        # An empty resource file keeps a system-wide mecabrc from naming another dictionary.
        arguments = ["-C", "-r", os.devnull, "-d", str(dictionary), "-O", "wakati"]
        if user_dictionary is not None:
            check_user_dictionary(user_dictionary, dictionary)
            # MeCab splits this argument at commas as a row of CSV.
            arguments += ["-u", '"{}"'.format(str(user_dictionary).replace('"', '""'))]
        try:
            self._tagger: Any = _open_tagger(engine, arguments)
        except (RuntimeError, ValueError) as error:
            over = f" with the user dictionary {user_dictionary}" if user_dictionary else ""
            raise DependencyError(f"the analyser {engine!r} cannot open the dictionary {dictionary}{over}") from error
        self._lock = threading.Lock()

    def morphs(self, text: str) -> list[str]:
        """Surface forms of `text`; NUL counts as a space."""
        spaced = self.spaced(text)
        return spaced.split(" ") if spaced else []

    def spaced(self, text: str) -> str:
        """Surface forms of `text` with a space between two of them; NUL counts as a space."""
        text = text.replace("\0", " ")
        if len(text) <= WINDOW:
            return self._cut(text)
        return " ".join(filter(None, map(self._cut, _windows(text))))

    def _cut(self, text: str) -> str:
        with self._lock:
            line: str = self._tagger.parse(text)
        # A space follows every morph, the last one included, then the line end.
        return line[:-2]


def _open_tagger(engine: str, arguments: list[str]) -> Any:
    for name in _MODULES[engine]:
        # The extensions themselves: the wrappers above them would open whichever dictionary they find installed.
        try:
            if name == "_mecab":
                return importlib.import_module(name).Tagger(arguments)
            module = importlib.import_module(f"{name}._MeCab")
        except ImportError:
            continue
        # The first word is the program's name; as separate words, paths with spaces need no quoting.
        return module.Tagger([os.fsencode(argument) for argument in ("mecab", *arguments)])
    raise DependencyError(
        f"the analyser {engine!r} needs the module {' or '.join(_MODULES[engine])}: {_REMEDIES[engine]}"
    )


def _windows(text: str) -> Iterator[str]:
    start = 0
    while len(text) - start > WINDOW:
        end = text.rfind(" ", start + 1, start + WINDOW)
        if end < 0:
            end = start + WINDOW
        yield text[start:end]
        start = end
    yield text[start:]


@functools.lru_cache(maxsize=8)
def _open(
    engine: str, dictionary: str, user_dictionary: str | None, state: tuple[int, int] | None, pid: int
) -> Analyser:
    """One analyser a process and state of the user dictionary's file: a forked child opens its own."""
    if engine == "none":
        return UncutAnalyser()
    return MecabAnalyser(engine, find_dictionary(dictionary), Path(user_dictionary) if user_dictionary else None)


def _state(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


class SharedAnalyser:
    """An analyser named by engine, dictionary and user dictionary: opened on first use, once a process; pickles so.

    Raises ConfigError for an unknown engine; `open` and `morphs` raise DependencyError where a package or the
    dictionary is missing, ModelError where the user dictionary cannot be used with it.
    """

    def __init__(
        self, engine: str = "mecab", dictionary: str = DEFAULT_DICTIONARY, user_dictionary: str | None = None
    ) -> None:
        if engine not in ENGINES:
            raise ConfigError(f"unknown analyser engine {engine!r}; known: {', '.join(ENGINES)}")
        self.engine = engine
        self.dictionary = dictionary
        self.user_dictionary = user_dictionary

    def open(self) -> Analyser:
        """The analyser of this process."""
        user_dictionary = self.user_dictionary
        state = _state(user_dictionary) if user_dictionary else None
        return _open(self.engine, self.dictionary, user_dictionary, state, os.getpid())

    def morphs(self, text: str) -> list[str]:
        """Surface forms of the morphs of `text`."""
        return self.open().morphs(text)


def is_installed(engine: str) -> bool:
    """Whether a Python module of `engine` can be imported; the dictionary is not looked at."""
    return engine == "none" or any(importlib.util.find_spec(name) is not None for name in _MODULES[engine])
