"""User dictionaries: nouns that the analyser is to keep whole, compiled for MeCab.

Sources are word lists (.txt, one word a line) and MeCab rows (.csv: surface, left id, right id, cost and the features
of mecab-ko-dic; ids and cost may be left blank). Rows are streamed, so that the six million nouns and compound nouns of
the released model fit into memory.
"""

from __future__ import annotations

import csv
import io
import logging
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TextIO

from tqdm import tqdm

from korscideberta.errors import ConfigError, DataError
from korscideberta.files import file_sha256, replacing
from korscideberta.nearest import nearest
from korscideberta.normalize import normalize
from korscideberta.tokenization.context_ids import ContextIds
from korscideberta.tokenization.dictionary import (
    DEFAULT_DICTIONARY,
    check_dictionary,
    check_user_dictionary,
    find_dictionary,
)
from korscideberta.tokenization.indexer import run_indexer
from korscideberta.unicode import has_coda, is_syllable

logger = logging.getLogger(__name__)

DEFAULT_COST = 2953
"""What the model of mecab-ko-dic 2.1.1 gives a proper noun it has not met."""

COSTS = (-(2**15), 2**15 - 1)
"""The lowest and the highest cost a word can have."""

EXAMPLES = 5
"""How many rows of each kind a report names."""

MAX_ROW_BYTES = 8191
"""The indexer reads rows into a buffer of 8,192 bytes and silently stops at a longer one."""

_COLUMNS = (12, 13)
_CODA = 2  # the place of T or F among a word's features
_PLAIN = re.compile("[가-힣A-Za-z0-9]+")


@dataclass(frozen=True, kw_only=True)
class UserDictionaryReport:
    """What became of the rows of the sources."""

    path: Path
    sha256: str
    size: int
    """Bytes of the compiled file."""
    words: int
    duplicates: int
    first_duplicates: tuple[str, ...]
    """`FILE:LINE: WORD` of the first few; also of the two fields below."""
    normalized: int
    """Words that were written as the tokenizer's normalisation writes them, since others would never be met."""
    first_normalized: tuple[str, ...]
    skipped: int
    """Rows that cannot be used."""
    first_skipped: tuple[str, ...]


class _Tally:
    """Counts occurrences and keeps the first few."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[str] = []

    def add(self, place: str, what: str) -> None:
        self.count += 1
        if len(self.first) < EXAMPLES:
            self.first.append(f"{place}: {what}")


class _Tallies:
    """What happened to rows on the way."""

    def __init__(self) -> None:
        self.duplicates, self.normalized, self.bad = _Tally(), _Tally(), _Tally()


class _Entry(NamedTuple):
    written: str
    word: str
    """As normalised."""
    key: bytes
    """Word and ids; a second entry with the same ones is a duplicate."""
    row: str


_Line = tuple[str, bytes, Callable[[str], _Entry]]
"""The place of a line, its bytes, and what makes an entry of it."""


class _Rows:
    """Makes MeCab rows of the words and rows of a source; ValueError tells what is wrong with one."""

    def __init__(self, dictionary: Path, pos: str, cost: int | None) -> None:
        self.rights, self.lefts = check_dictionary(dictionary).contexts
        self.ids = ContextIds(dictionary)
        if pos not in self.ids.tags:
            raise ConfigError(
                f"--pos {pos}: {dictionary / 'left-id.def'} has no such tag; {nearest(pos, self.ids.tags)}"
            )
        self.pos = pos
        self.cost = "" if cost is None else str(cost)

    def from_word(self, line: str) -> _Entry:
        """The entry of a line of a word list."""
        if "," in line:
            raise ValueError(f"a comma in the word {_shown(line)}; MeCab rows belong into a file that ends in .csv")
        word = _normalized(line)
        features = [self.pos, "*", "T" if has_coda(word) else "F", word, "*", "*", "*", "*"]
        return self._entry(line, word, "", "", "", features)

    def from_row(self, line: str) -> _Entry:
        """The entry of a MeCab row, its blanks filled in."""
        cells = next(csv.reader([line], strict=True)) if '"' in line else line.split(",")
        if len(cells) not in _COLUMNS:
            raise ValueError(f"{len(cells)} columns where {_COLUMNS[0]} or {_COLUMNS[1]} are expected")
        word = _normalized(cells[0])
        left, right, cost = (cell.strip() for cell in cells[1:4])
        features = [cell or "*" for cell in cells[4:]]
        if not (left and right) and is_syllable(word[-1]) and features[0].startswith("N"):
            features[_CODA] = "T" if has_coda(word) else "F"
        return self._entry(cells[0], word, left, right, cost, features)

    def _entry(self, written: str, word: str, left: str, right: str, cost: str, features: list[str]) -> _Entry:
        for name, given, low, high in (
            ("left id", left, 0, self.lefts - 1),
            ("right id", right, 0, self.rights - 1),
            ("cost", cost, *COSTS),
        ):
            if given:
                _check_number(name, given, low, high)
        try:
            left = left or str(self.ids.left(features))
            right = right or str(self.ids.right(features))
        except LookupError as error:
            raise ValueError(f"{error.args[0]}; give the row its ids") from None
        key = f"{_cell(word)},{left},{right},"
        row = ",".join([key + (cost or self.cost), *map(_cell, features)])
        size = len(row.encode())
        if size > MAX_ROW_BYTES:
            raise ValueError(f"{size} bytes for {_shown(word)}; MeCab reads rows of {MAX_ROW_BYTES} bytes at most")
        return _Entry(written.strip(), word, key.encode(), row)


def compile_user_dictionary(
    sources: Sequence[Path],
    out: Path,
    *,
    dictionary: str = DEFAULT_DICTIONARY,
    pos: str = "NNP",
    cost: int | None = None,
    skip_bad: bool = False,
    progress: bool = False,
) -> UserDictionaryReport:
    """Compile word lists (.txt) and MeCab rows (.csv) into the user dictionary `out`.

    Args:
        sources: files in UTF-8. Blank lines are passed over.
        out: the file to write, whole or not at all.
        dictionary: the system dictionary it is for: the installed one, or the folder of another.
        pos: part of speech of the words of a list.
        cost: of the words of a list and of rows without one; the lower, the likelier the word is kept whole. None takes
            what the dictionary's own model gives the word, as mecab-ko's indexer does (2953 for most proper nouns).
        skip_bad: leave rows out that cannot be used, instead of refusing the file.
        progress: show progress bars where standard error is a terminal.

    Raises:
        DataError: a source cannot be read or has rows that cannot be used; no row is left; MeCab failed.
        ConfigError: an unknown part of speech or an impossible cost.
        DependencyError: the dictionary or MeCab is missing.
    """
    for source in sources:
        if source.suffix.lower() not in (".txt", ".csv"):
            raise ConfigError(f"{source}: name it .txt (one word a line) or .csv (MeCab rows)")
    if cost is not None and not COSTS[0] <= cost <= COSTS[1]:
        raise ConfigError(f"--cost {cost}: must lie between {COSTS[0]} and {COSTS[1]}")
    folder = find_dictionary(dictionary)
    model: Path | None = folder / "model.bin"
    if not (folder / "model.bin").is_file() or not (folder / "feature.def").is_file():
        model, cost = None, DEFAULT_COST if cost is None else cost
    rows = _Rows(folder, pos, cost)
    tallies = _Tallies()
    with replacing(out) as compiled, tempfile.TemporaryDirectory(prefix=".userdict-", dir=out.parent) as scratch:
        listed = Path(scratch) / "rows.csv"
        with listed.open("w", encoding="utf-8", newline="\n") as file:
            words = _write_rows(_lines(sources, rows, progress), file, tallies)
        bad = tallies.bad
        if bad.count and not skip_bad:
            more = f" (and {bad.count - 1:,} more such rows)" if bad.count > 1 else ""
            raise DataError(f"{bad.first[0]}{more}; mend the file or add --skip-bad")
        if not words:
            raise DataError(f"{sources[0]}: no word to put into a user dictionary")
        if progress:
            logger.info("compiling %s words", f"{words:,}")
        run_indexer(listed, compiled, folder, model=model, progress=progress)
        found = check_user_dictionary(compiled, folder).words
        if found != words:
            raise DataError(f"MeCab compiled {found:,} of {words:,} rows into {out}; the disk may be full")
        size, sha256 = compiled.stat().st_size, file_sha256(compiled)
    return UserDictionaryReport(
        path=out,
        sha256=sha256,
        size=size,
        words=words,
        duplicates=tallies.duplicates.count,
        first_duplicates=tuple(tallies.duplicates.first),
        normalized=tallies.normalized.count,
        first_normalized=tuple(tallies.normalized.first),
        skipped=bad.count,
        first_skipped=tuple(bad.first),
    )


def _write_rows(lines: Iterable[_Line], file: TextIO, tallies: _Tallies) -> int:
    """Write the row of every usable line but duplicates; how many there are."""
    seen: set[bytes] = set()  # half the memory of strings
    for place, line, make in lines:
        try:
            entry = make(line.decode("utf-8"))
        except UnicodeDecodeError:
            tallies.bad.add(place, "is not UTF-8; convert the file")
            continue
        except (ValueError, csv.Error) as error:
            tallies.bad.add(place, str(error))
            continue
        if entry.key in seen:
            tallies.duplicates.add(place, entry.word)
            continue
        seen.add(entry.key)
        if entry.written != entry.word:
            tallies.normalized.add(place, f"{entry.written} → {entry.word}")
        file.write(entry.row + "\n")
    return len(seen)


def _lines(sources: Sequence[Path], rows: _Rows, progress: bool) -> Iterator[_Line]:
    """Every line that is not blank."""
    try:
        total = sum(source.stat().st_size for source in sources)
        with tqdm(total=total, desc="read", unit="B", unit_scale=True, disable=None if progress else True) as bar:
            for source in sources:
                make = rows.from_row if source.suffix.lower() == ".csv" else rows.from_word
                with source.open("rb") as file:
                    for number, line in enumerate(file, start=1):
                        bar.update(len(line))
                        line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                        if not line.isspace() and line:
                            yield f"{source}:{number}", line.rstrip(b"\r\n"), make
    except OSError as error:
        raise DataError(f"{error.filename or sources[0]}: cannot be read ({error.strerror})") from None


def _normalized(text: str) -> str:
    """The word as the tokenizer's normalisation writes it."""
    word = text if _PLAIN.fullmatch(text) else normalize(text)
    if not word:
        raise ValueError("the word is empty")
    if " " in word:
        raise ValueError(f"white space inside the word {_shown(word)}")
    return word


def _check_number(name: str, text: str, low: int, high: int) -> None:
    if not re.fullmatch("-?[0-9]+", text):
        raise ValueError(f"{name} {text!r} is not a whole number")
    if not low <= int(text) <= high:
        raise ValueError(f"{name} {text} is not between {low} and {high}")


def _cell(text: str) -> str:
    """A cell of a row as MeCab's reader takes it."""
    if '"' not in text and "," not in text:
        return text
    cell = io.StringIO()
    csv.writer(cell, lineterminator="").writerow([text])
    return cell.getvalue()


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")
