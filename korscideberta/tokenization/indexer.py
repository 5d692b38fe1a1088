"""MeCab's dictionary indexer, which the wheels carry as a C function, run in a child process.

A child, because MeCab ends the process it runs in when a row displeases it, and because its memory is given back.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tqdm import tqdm

from korscideberta.errors import DataError, DependencyError

_MODULES = ("MeCab._MeCab", "mecab_ko._MeCab", "_mecab")
_CHILD = """
import ctypes, os, sys
arguments = [os.fsencode(argument) for argument in ["mecab-dict-index", *sys.argv[2:]]]
function = ctypes.CDLL(sys.argv[1]).mecab_dict_index
sys.exit(function(len(arguments), (ctypes.c_char_p * len(arguments))(*arguments)))
"""
_PERCENT = re.compile(rb"(\d+)%")


def indexer_library() -> Path:
    """The library that exports `mecab_dict_index`; DependencyError where no MeCab module is installed."""
    for name in _MODULES:
        try:
            spec = importlib.util.find_spec(name)
        except ImportError:
            continue
        if spec is not None and spec.origin is not None:
            # Elsewhere the symbols of the library below the extension are found through it; Windows looks no further.
            library = Path(spec.origin).with_name("libmecab.dll")
            return library if library.exists() else Path(spec.origin)
    raise DependencyError("no MeCab module with a dictionary indexer is installed: pip install mecab-python3")


def run_indexer(rows: Path, out: Path, dictionary: Path, *, model: Path | None, progress: bool) -> None:
    """Compile the CSV file `rows` for the system dictionary in `dictionary` and write `out`.

    With `model`, the dictionary's model.bin, rows without a cost get the one that model gives. Raises DataError with
    MeCab's own words where it fails.
    """
    options = ["-d", str(dictionary), "-u", str(out), "-f", "utf-8", "-t", "utf-8"]
    if model is not None:
        options += ["-m", str(model)]
    command = [sys.executable, "-I", "-c", _CHILD, str(indexer_library()), *options, str(rows)]
    with tempfile.TemporaryFile() as errors:
        with (
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors) as child,
            tqdm(total=100, desc="compile", unit="%", disable=None if progress else True) as bar,
        ):
            assert child.stdout is not None
            try:
                while chunk := child.stdout.read1(4096):  # type: ignore[attr-defined]
                    if percent := _PERCENT.findall(chunk):
                        bar.update(int(percent[-1]) - bar.n)
            except BaseException:
                child.kill()
                raise
        if child.returncode:
            errors.seek(0)
            words = errors.read().decode("utf-8", "replace").strip().splitlines()
            reason = words[-1] if words else "it was killed, perhaps for want of memory" if child.returncode < 0 else ""
            raise DataError(f"MeCab could not compile {rows.name} (exit {child.returncode}): {reason}")
