"""What happens to a text before the morphological analyser sees it.

`normalize` is the released model's order of steps with the cleaning that any real file needs put before it:
lone surrogates and control characters, then NFC, then the released list of replacements, then the Moses
rules for Unicode punctuation (the public `replace-unicode-punctuation` table of the Moses decoder). Every
function here changes nothing when applied a second time.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from korscideberta.errors import ConfigError

RELEASED_REPLACEMENTS = {
    **dict.fromkeys("—―–", "-"),
    **dict.fromkeys("＂“”„‟˝『』", '"'),
    **dict.fromkeys("＇‘’‚‛「」", "'"),
    **dict.fromkeys("‹«《〈", "<"),
    **dict.fromkeys("›»》〉", ">"),
    **dict.fromkeys("【〔［", "["),
    **dict.fromkeys("】〕］", "]"),
    "（": "(",
    "）": ")",
    "｛": "{",
    "｝": "}",
}
"""The released model's own list, applied before the Moses rules and so deciding where both name a character."""

MOSES_PUNCTUATION = {
    **dict(zip("０１２３４５６７８９", "0123456789", strict=True)),
    **dict.fromkeys("”“《》「」", '"'),
    **dict.fromkeys("∶：", ":"),
    "，": ",",
    "、": ",",
    "？": "?",
    "！": "!",
    "；": ";",
    "（": "(",
    "）": ")",
    "～": "~",
    "’": "'",
    "…": "...",
    "━": "-",
    "〈": "<",
    "〉": ">",
    "【": "[",
    "】": "]",
    "％": "%",
}
"""One-character rules of the Moses table; the two full stops, which also take the spaces after them, are apart."""


@dataclass(frozen=True)
class Substitution:
    """A step of a normalisation: every match of `pattern` is replaced, as `re.sub` does it."""

    pattern: re.Pattern[str]
    replacement: str | Callable[[re.Match[str]], str]

    def __call__(self, text: str) -> str:
        """`text` with the replacements made."""
        return self.pattern.sub(self.replacement, text)


def compose(text: str) -> str:
    """`text` in Unicode's canonical composition (NFC); conjoining jamo become syllables."""
    return unicodedata.normalize("NFC", text)


SURROGATES = Substitution(re.compile("[\ud800-\udfff]"), "\ufffd")
INVISIBLE = Substitution(
    re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"), ""
)
WHITE_SPACE = Substitution(re.compile("[\t-\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"), " ")
REPLACEMENTS = Substitution(
    re.compile(f"[{re.escape(''.join(RELEASED_REPLACEMENTS))}]"), lambda match: RELEASED_REPLACEMENTS[match[0]]
)
MOSES = Substitution(
    re.compile(f"[{re.escape(''.join(MOSES_PUNCTUATION))}]"), lambda match: MOSES_PUNCTUATION[match[0]]
)
MOSES_FULL_STOP = Substitution(re.compile("[。．] *"), ". ")
SPACE_RUNS = Substitution(re.compile("  +"), " ")
OUTER_SPACES = Substitution(re.compile(r"\A +| +\Z"), "")

Step = Callable[[str], str]
"""A `Substitution`, or `compose`."""

RELEASED_1: tuple[Step, ...] = (
    SURROGATES,
    INVISIBLE,
    WHITE_SPACE,
    compose,
    REPLACEMENTS,
    MOSES,
    MOSES_FULL_STOP,
    SPACE_RUNS,
    OUTER_SPACES,
    # A combining mark may now follow an ASCII sign that it composes with.
    compose,
)

# Every character that a step of `RELEASED_1` replaces wherever it stands.
_CHANGED = re.compile(
    "[。．"
    + "".join(step.pattern.pattern[1:-1] for step in (SURROGATES, INVISIBLE, WHITE_SPACE, REPLACEMENTS, MOSES))
    + "]"
)


def repair_surrogates(text: str) -> str:
    """`text` with each lone surrogate, which no encoder accepts, replaced by U+FFFD."""
    return SURROGATES(text)


def clean_controls(text: str) -> str:
    """`text` without characters that show nothing, and with every kind of white space as U+0020.

    Dropped: NUL and the other control codes, soft hyphen, zero-width spaces and joiners, direction marks,
    the byte order mark. Line ends, tabs, no-break and ideographic spaces become spaces; runs of spaces are
    left to `normalize`.
    """
    return WHITE_SPACE(INVISIBLE(text))


def replace_punctuation(text: str) -> str:
    """`text` with the released model's replacements made (dashes, quotation marks, brackets)."""
    return REPLACEMENTS(text)


def replace_unicode_punct(text: str) -> str:
    """`text` after the Moses rules: full-width punctuation and digits to ASCII, either full stop to `. `."""
    return MOSES_FULL_STOP(MOSES(text))


def normalize(text: str) -> str:
    """`text` as the released pipeline hands it to the analyser, composed (NFC), single-spaced and stripped."""
    if _needs_nothing(text):
        return text
    for step in RELEASED_1:
        text = step(text)
    return text


def _needs_nothing(text: str) -> bool:
    """Whether no step of `RELEASED_1` changes `text`, told by one look at each character: true of most lines."""
    return (
        _CHANGED.search(text) is None
        and "  " not in text
        and not text.startswith(" ")
        and not text.endswith(" ")
        and unicodedata.is_normalized("NFC", text)
    )


NORMALIZATIONS: dict[str, tuple[Step, tuple[Step, ...]]] = {
    "released-1": (normalize, RELEASED_1),
    "none": (repair_surrogates, (SURROGATES,)),
}
"""By the name that tokenizer_config.json records, the function and the steps it takes; a changed rule is a new name."""


def normalization(name: str) -> Step:
    """The normalisation recorded as `name`; ConfigError for a name this version does not know."""
    return _recorded(name)[0]


def normalization_steps(name: str) -> tuple[Step, ...]:
    """The steps that `normalization(name)` takes one after the other; ConfigError for an unknown name."""
    return _recorded(name)[1]


def _recorded(name: str) -> tuple[Step, tuple[Step, ...]]:
    try:
        return NORMALIZATIONS[name]
    except KeyError:
        raise ConfigError(f"unknown normalization {name!r}; known: {', '.join(NORMALIZATIONS)}") from None
