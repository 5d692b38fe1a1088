"""Context ids: which rows and columns of a dictionary's cost matrix stand for a word with given features.

The rules are the dictionary's own: rewrite.def says which features of a word its neighbours see, left-id.def and
right-id.def number what they see. The format is that of MeCab 0.996; the answers are those of mecab-ko's indexer for
rows without ids.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from korscideberta.errors import DependencyError

_SECTION = re.compile(r"\[(unigram|left|right) rewrite\]")
_PLACE = re.compile(r"\$(\d+)")
_READING = 3
"""The place of the reading among a word's features, the only one that differs from word to word."""

Rule = tuple[list[str], str]


class ContextIds:
    """The ids of a compiled dictionary folder.

    Raises DependencyError where one of the three files is missing or not of the known format.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._left, self._right = _read_ids(folder / "left-id.def"), _read_ids(folder / "right-id.def")
            self._rules = _read_rules(folder / "rewrite.def")
            self._targets: dict[tuple[str, ...], str] = {}
        except (OSError, ValueError) as error:
            raise DependencyError(
                f"cannot look up context ids in the dictionary {folder}: {error}; use a complete one, "
                "pip install --force-reinstall python-mecab-ko-dic"
            ) from None
        self.tags = sorted({feature.partition(",")[0] for feature in self._left} - {"*", "BOS/EOS", "UNKNOWN"})
        """The parts of speech that words of this dictionary can have."""

    def left(self, features: Sequence[str]) -> int:
        """The id of a word towards the word before it; LookupError where the dictionary has none."""
        return _find(self._left, self._seen("left", features), "left-id.def")

    def right(self, features: Sequence[str]) -> int:
        """The id of a word towards the word after it; LookupError where the dictionary has none."""
        return _find(self._right, self._seen("right", features), "right-id.def")

    def _seen(self, side: str, features: Sequence[str]) -> str:
        """What the first fitting rule makes of `features`; the reading, which no rule tests, is filled in last."""
        key = (side, *features[:_READING], *features[_READING + 1 :])
        target = self._targets.get(key)
        if target is None:
            target = self._targets[key] = _rewritten(self._rules[side], features)
        return target.replace(f"${_READING + 1}", features[_READING])


def _find(ids: dict[str, int], seen: str, file: str) -> int:
    try:
        return ids[seen]
    except KeyError:
        raise LookupError(f"{file} has no id for {seen}") from None


def _read_ids(path: Path) -> dict[str, int]:
    ids = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        number, _, feature = line.partition(" ")
        ids[feature] = int(number)
    return ids


def _read_rules(path: Path) -> dict[str, list[Rule]]:
    rules: dict[str, list[Rule]] = {"unigram": [], "left": [], "right": []}
    section: list[Rule] | None = None
    for line in path.read_text(encoding="utf-8").splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if heading := _SECTION.fullmatch(line):
            section = rules[heading[1]]
            continue
        parts = line.split()
        if section is None or len(parts) != 2:
            raise ValueError(f"{path} has an unknown line {line!r}")
        pattern = parts[0].split(",")
        if pattern[_READING : _READING + 1] not in ([], ["*"]):
            raise ValueError(f"{path} tests the reading in {line!r}, which is not supported")
        section.append((pattern, parts[1]))
    return rules


def _rewritten(rules: Sequence[Rule], features: Sequence[str]) -> str:
    """The first fitting rule's target, all features but the reading filled in."""
    for pattern, target in rules:
        if len(pattern) <= len(features) and all(map(_fits, pattern, features)):
            return _PLACE.sub(
                lambda match: match[0] if int(match[1]) == _READING + 1 else features[int(match[1]) - 1], target
            )
    raise LookupError(f"no rule of rewrite.def fits {','.join(features)}")


def _fits(pattern: str, feature: str) -> bool:
    if pattern.startswith("("):
        return feature in pattern[1:-1].split("|")
    return pattern in ("*", feature)
