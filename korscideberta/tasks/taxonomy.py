"""Research fields and the fields below them: large ⊃ middle ⊃ small.

The 33 large fields are those of the national standard classification of science and technology (2018).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from korscideberta.errors import DataError
from korscideberta.nearest import nearest

LEVELS = ("large", "middle", "small")
ALL = "all"
"""Stands for all of them."""
BELOW = ">"
"""Stands between the fields of a path."""

LARGE_FIELDS = {
    "NA": "수학",
    "NB": "물리학",
    "NC": "화학",
    "ND": "지구과학",
    "LA": "생명과학",
    "LB": "농림수산식품",
    "LC": "보건의료",
    "EA": "기계",
    "EB": "재료",
    "EC": "화공",
    "ED": "전기/전자",
    "EE": "정보/통신",
    "EF": "에너지/자원",
    "EG": "원자력",
    "EH": "환경",
    "EI": "건설/교통",
    "HA": "역사/고고학",
    "HB": "철학/종교",
    "HC": "언어",
    "HD": "문학",
    "HE": "문화/예술/체육",
    "SA": "법",
    "SB": "정치/행정",
    "SC": "경제/경영",
    "SD": "사회/인류/복지/여성",
    "SE": "생활",
    "SF": "지리/지역/관광",
    "SG": "심리",
    "SH": "교육",
    "SI": "미디어/커뮤니케이션/문헌정보",
    "OA": "뇌과학",
    "OB": "인지/감성과학",
    "OC": "과학기술과 인문사회",
}
"""Code to Korean name, in the order of the standard."""

ENGLISH_NAMES = {
    "NA": "Mathematics",
    "NB": "Physics",
    "NC": "Chemistry",
    "ND": "Earth science",
    "LA": "Life science",
    "LB": "Agriculture and food",
    "LC": "Health",
    "EA": "Mechanical engineering",
    "EB": "Materials",
    "EC": "Chemical engineering",
    "ED": "Electronics",
    "EE": "Information and communication",
    "EF": "Energy and resources",
    "EG": "Nuclear engineering",
    "EH": "Environment",
    "EI": "Construction and transport",
    "HA": "History and archaeology",
    "HB": "Philosophy and religion",
    "HC": "Linguistics",
    "HD": "Literature",
    "HE": "Culture, arts and sports",
    "SA": "Law",
    "SB": "Politics and administration",
    "SC": "Economics and management",
    "SD": "Society and welfare",
    "SE": "Human life",
    "SF": "Geography and tourism",
    "SG": "Psychology",
    "SH": "Education",
    "SI": "Media and library science",
    "OA": "Brain science",
    "OB": "Cognitive science",
    "OC": "Science and society",
}
"""Code to a short English name."""

_STANDARD_CODE = re.compile(r"([A-Z]{2}(?:\d\d){1,2})(?![A-Z0-9])")
_NOT_A_LETTER = re.compile(r"[\W_]+")
_BRACKETS = re.compile(r"\(.*?\)")
_SEPARATORS = re.compile(r"\s*[/·・]\s*")


@dataclass(frozen=True)
class Field:
    """A field; `parent` is the code of the one above it, None of a large field."""

    code: str
    name: str
    parent: str | None = None
    english: str = ""


class Taxonomy:
    """Fields by code, and how a label written by people is understood as one of them.

    Args:
        fields: the fields, a parent before or after its children.
        open: whether there are fields below these that are not listed. Such a field has a code of the standard, whose
            beginning is its parent's ("EE01" of "EE0102"), or a name, and then its path is its code ("EE>자연어처리").
        origin: file that error messages name.

    Raises:
        DataError: a code occurs twice or a parent not at all, or a field has more than two above it.
    """

    def __init__(self, fields: Iterable[Field], *, open: bool = False, origin: str = "taxonomy") -> None:
        self.fields: dict[str, Field] = {}
        self.open = open
        for field in fields:
            if field.code in self.fields:
                raise DataError(f"{origin}: the code {field.code!r} occurs twice")
            self.fields[field.code] = field
        for field in self.fields.values():
            if field.parent is not None and field.parent not in self.fields:
                raise DataError(
                    f"{origin}: {field.code} lies under {field.parent!r}, which is no field; "
                    f"{nearest(field.parent, self.fields)}"
                )
        self._paths = {code: self._listed_path(code, origin) for code in self.fields}
        self._parents = {field.parent for field in self.fields.values()}
        self._codes: dict[str, str] = {}
        self._names: dict[str, list[str]] = {}
        for code, field in self.fields.items():
            self._codes |= {fold(written): code for written in (code, code + field.name, field.name + code)}
            for name in dict.fromkeys(map(fold, (field.name, _BRACKETS.sub("", field.name), field.english))):
                if name:
                    self._names.setdefault(name, []).append(code)

    def path(self, code: str) -> tuple[str, ...]:
        """Return the fields above a field, the large one first, and last the field itself."""
        if code in self._paths:
            return self._paths[code]
        parent = code.rpartition(BELOW)[0] or parent_of_code(code)
        return (*(self.path(parent) if parent else ()), code)

    def level(self, number: int) -> tuple[str, ...]:
        """Return the listed fields of a level, 0 being the large ones, and those above it with none below them."""
        at_level = (code for code, path in self._paths.items() if len(path) == number + 1)
        ending_above = (code for code, path in self._paths.items() if len(path) <= number and self.is_leaf(code))
        return (*at_level, *ending_above)

    def leaves(self) -> tuple[str, ...]:
        """Return the listed fields that have none below them, those of a field together."""
        place = {code: index for index, code in enumerate(self.fields)}
        leaves = (code for code in self.fields if self.is_leaf(code))
        return tuple(sorted(leaves, key=lambda code: [place[above] for above in self.path(code)]))

    def is_leaf(self, code: str) -> bool:
        """Whether no listed field lies below a field."""
        return code not in self._parents

    def find(self, written: str, *, number: int = 0) -> str:
        """Return the code of the field that a cell names.

        It may hold a code, a name, both, or a path of these joined with `>`. Case, width, white space and separators
        do not count. Of a name that several fields have, that of the level `number` is meant, or the one below the
        path's former fields.

        Raises:
            LookupError: there is no such field, the name does not tell which, or one does not lie under the former one;
                the message says so.
        """
        code: str | None = None
        for part in written.split(BELOW):
            found = self._find(part.strip(), code, number)
            if code is not None and code not in self.path(found):
                raise LookupError(f"{self.display(found)} does not lie under {self.display(code)}")
            code = found
        assert code is not None
        return code

    def at_level(self, code: str, number: int) -> str:
        """Return the field of a level that a field is or lies under; one that has none below stands for itself.

        Raises:
            LookupError: the field lies above the level and has fields below.
        """
        path = self.path(code)
        if len(path) > number:
            return path[number]
        if self.open or not self.is_leaf(code):
            raise LookupError(f"{self.display(code)} is a {LEVELS[len(path) - 1]} field; a field below it is needed")
        return code

    def display(self, code: str) -> str:
        """Return code and name, `EE 정보/통신`, or what a field that is not listed is called."""
        if code in self.fields:
            return f"{code} {self.fields[code].name}"
        parent, separator, name = code.rpartition(BELOW)
        return f"{self.display(parent)} {BELOW} {name}" if separator else code

    def record(self) -> list[list[str | None]]:
        """Return the fields as a JSON value: code, name, parent and English name of each."""
        return [[field.code, field.name, field.parent, field.english] for field in self.fields.values()]

    @classmethod
    def of_record(cls, record: Sequence[Sequence[Any]]) -> Taxonomy:
        """Return the taxonomy of a `record`."""
        return cls(Field(*entry) for entry in record)

    def _find(self, written: str, above: str | None, number: int) -> str:
        folded = fold(written)
        if folded in self._codes:
            return self._codes[folded]
        # What lies below another field of an open taxonomy may be called as a large one is.
        named = [] if self.open and above is not None else self._names.get(folded, [])
        for chosen in (
            [code for code in named if above is not None and above in self.path(code)],
            [code for code in named if len(self.path(code)) == number + 1],
            named,
        ):
            if len(chosen) == 1:
                return chosen[0]
            if chosen:
                raise LookupError(f"{written!r} is the name of {' and '.join(chosen)}; give the code")
        if self.open and (unlisted := self._unlisted(written, above)):
            return unlisted
        if self.open and number:
            raise LookupError(
                f"unknown field {written!r}; give a code such as 'EE0102', the fields above it as in "
                f"'EE > {written}', or --taxonomy FILE"
            )
        known = [*self.fields, *(field.name for field in self.fields.values())]
        raise LookupError(f"unknown field {written!r}; {nearest(written, known)}")

    def _unlisted(self, written: str, above: str | None) -> str | None:
        """Return the code of a field that an open taxonomy does not list; None where nothing says what it lies under.

        Names differ among people in their white space and in what they put between words that are on a par.
        """
        plain = _plain(written)
        code = _STANDARD_CODE.match(plain.upper())
        if code and code.group(1)[:2] in self.fields:
            return code.group(1)
        if above is None or not fold(plain) or len(self.path(above)) == len(LEVELS):
            return None
        return f"{above}{BELOW}{_SEPARATORS.sub('/', ' '.join(plain.split()))}"

    def _listed_path(self, code: str, origin: str) -> tuple[str, ...]:
        path = [code]
        while (parent := self.fields[path[-1]].parent) is not None:
            if len(path) == len(LEVELS):
                raise DataError(
                    f"{origin}: {code} has more than {len(LEVELS) - 1} fields above it, or lies under itself"
                )
            path.append(parent)
        return tuple(reversed(path))


def fold(written: str) -> str:
    """Return a code or name without case, width, white space and separators."""
    return _NOT_A_LETTER.sub("", _plain(written).casefold())


def _plain(written: str) -> str:
    # NFKC makes a vowel of the letter that many write for a middle dot.
    return unicodedata.normalize("NFKC", written.replace("ㆍ", "·")).strip()


def parent_of_code(code: str) -> str | None:
    """Return the beginning of a standard code that is its parent's; None of any other."""
    return code[:-2] if _STANDARD_CODE.fullmatch(code) else None


LARGE = tuple(Field(code, name, None, ENGLISH_NAMES[code]) for code, name in LARGE_FIELDS.items())
STANDARD = Taxonomy(LARGE, open=True)
"""The large fields, below which there are fields that are not listed here."""
