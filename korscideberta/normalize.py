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

_RELEASED = re.compile(f"[{re.escape(''.join(RELEASED_REPLACEMENTS))}]")
_MOSES = re.compile(f"[{re.escape(''.join(MOSES_PUNCTUATION))}]")
_MOSES_FULL_STOP = re.compile("[。．] *")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACE = re.compile("[\t-\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_SPACES = re.compile("  +")


def repair_surrogates(text: str) -> str:
    """`text` with each lone surrogate, which no encoder accepts, replaced by U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)


def clean_controls(text: str) -> str:
    """`text` without characters that show nothing, and with every kind of white space as U+0020.

    Dropped: NUL and the other control codes, soft hyphen, zero-width spaces and joiners, direction marks,
    the byte order mark. Line ends, tabs, no-break and ideographic spaces become spaces; runs of spaces are
    left to `normalize`.
    """
    return _SPACE.sub(" ", _INVISIBLE.sub("", text))


def replace_punctuation(text: str) -> str:
    """`text` with the released model's replacements made (dashes, quotation marks, brackets)."""
    return _RELEASED.sub(lambda match: RELEASED_REPLACEMENTS[match[0]], text)


def replace_unicode_punct(text: str) -> str:
    """`text` after the Moses rules: full-width punctuation and digits to ASCII, either full stop to `. `."""
    return _MOSES_FULL_STOP.sub(". ", _MOSES.sub(lambda match: MOSES_PUNCTUATION[match[0]], text))


def normalize(text: str) -> str:
    """`text` as the released pipeline hands it to the analyser, composed (NFC), single-spaced and stripped."""
    text = unicodedata.normalize("NFC", clean_controls(repair_surrogates(text)))
    text = replace_unicode_punct(replace_punctuation(text))
    # A combining mark may now follow an ASCII sign that it composes with.
    return unicodedata.normalize("NFC", _SPACES.sub(" ", text).strip(" "))


NORMALIZATIONS: dict[str, Callable[[str], str]] = {"released-1": normalize, "none": repair_surrogates}
"""Normalisations by the name that tokenizer_config.json records; a changed rule is a new name."""


def normalization(name: str) -> Callable[[str], str]:
    """The normalisation recorded as `name`; ConfigError for a name this version does not know."""
    try:
        return NORMALIZATIONS[name]
    except KeyError:
        raise ConfigError(f"unknown normalization {name!r}; known: {', '.join(NORMALIZATIONS)}") from None
