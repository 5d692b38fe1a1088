"""Cleaning documents by themselves: control characters, broken spacing, other languages.

What needs a look at the whole corpus, repeated lines and documents, is in `duplicates`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from korscideberta.errors import ConfigError

# Tabs and line ends are spaces; the soft hyphen, zero-width characters, direction marks and the byte-order mark are
# invisible, and so nothing a reader misses. U+FFFD stands for bytes that were no text.
_SPACES = re.compile(r"[\t\v\f\x1c-\x1f\x85\u2028\u2029]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufff9-\ufffd]"
)
# A verb cut from its ending, as some machine translations have it: 에 대 한, 사용 하 여, 표시 되 는.
_CUT_VERB = re.compile(
    r"(?:에 (?:대|의|관|위) (?:한|해|하여)"
    r"|(?:^| )(?:하|되) (?:여|는|고|면|지|기|며|거나|도록|세요|었|였))(?![가-힣])"
)
_HANGUL_WORD = re.compile(r"(?<![가-힣])[가-힣]+(?![가-힣])")
_SPACED_WORDS, _SPACED_SHARE = 8, 0.7
_HANGUL = re.compile(r"[가-힣ㄱ-ㆎ]")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, kw_only=True)
class Cleaning:
    """Which steps are taken; each can be turned off."""

    control_characters: bool = True
    """Drop characters that are invisible or stand for broken bytes."""
    broken_spacing: bool = True
    """Drop lines whose words are cut apart."""
    min_hangul: float = 0.25
    """Drop documents of whose letters a smaller share is Hangul; 0 keeps all."""
    min_characters: int = 1
    """Drop documents of fewer characters, white space not counted."""
    boilerplate: int = 10
    """Keep a line that occurs this many times only where it occurs first; 0 keeps all."""
    duplicates: bool = True
    """Drop documents that are the same as an earlier one, white space aside."""
    near_duplicates: bool = True
    """Drop documents that are almost the same as an earlier one."""

    def __post_init__(self) -> None:
        if not 0 <= self.min_hangul <= 1:
            raise ConfigError(f"--min-hangul {self.min_hangul}: give a share between 0 and 1")
        if self.boilerplate < 0 or self.boilerplate == 1:
            raise ConfigError(
                f"--boilerplate {self.boilerplate}: give a number of occurrences from 2 on, or 0 for none"
            )
        if self.min_characters < 1:
            raise ConfigError(f"--min-characters {self.min_characters}: must be at least 1")


def clean_document(lines: list[str], cleaning: Cleaning, counts: dict[str, int]) -> list[str]:
    """The lines that are left of a document, none where it is dropped; `counts` is told what became of the rest."""
    if cleaning.control_characters:
        stripped = [without_control_characters(line) for line in lines]
        counts["lines_with_control_characters"] += sum(map(str.__ne__, stripped, lines))
        lines = stripped
    if cleaning.broken_spacing:
        whole = [line for line in lines if not has_broken_spacing(line)]
        counts["lines_with_broken_spacing"] += len(lines) - len(whole)
        lines = whole
    lines = [line for line in lines if line.strip()]
    if not lines:
        counts["documents_without_text"] += 1
        return lines
    text = "".join(lines)
    if len("".join(text.split())) < cleaning.min_characters:
        counts["documents_too_short"] += 1
        return []
    if cleaning.min_hangul and hangul_share(text) < cleaning.min_hangul:
        counts["documents_in_other_languages"] += 1
        return []
    return lines


STEPS = (
    "lines_with_control_characters",
    "lines_with_broken_spacing",
    "documents_without_text",
    "documents_too_short",
    "documents_in_other_languages",
)
"""What `clean_document` counts."""


def without_control_characters(line: str) -> str:
    """The line with control characters that separate as spaces, and without those that show nothing."""
    return _INVISIBLE.sub("", _SPACES.sub(" ", line))


def has_broken_spacing(line: str) -> bool:
    """Whether verbs are cut from their endings, or most of eight or more Hangul words are single syllables."""
    if _CUT_VERB.search(line):
        return True
    words = _HANGUL_WORD.findall(line)
    return len(words) >= _SPACED_WORDS and sum(len(word) == 1 for word in words) >= _SPACED_SHARE * len(words)


def hangul_share(text: str) -> float:
    """The share of Hangul among the letters of a text; 0 where there is no letter."""
    hangul = len(_HANGUL.findall(text))
    if not hangul:
        return 0.0
    return hangul / len(_LETTER.findall(text))
