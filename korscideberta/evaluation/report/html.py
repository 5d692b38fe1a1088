"""HTML and SVG from nested calls: whatever is not `Markup` already is escaped, so no text can become markup."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TypeAlias

# Controls that a parser refuses, halves of surrogate pairs that no encoder writes, and the marks that turn the
# direction of text around, with which a text could make its neighbours read otherwise.
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
_VOID = {"meta", "link", "br", "img", "input", "col"}


class Markup(str):
    """Text that is markup: it is put into a page as it is."""

    __slots__ = ()


Child: TypeAlias = "str | float | Sequence[Child] | None"


def tag(name: str, /, *children: Child, **attributes: object) -> Markup:
    """Return an element.

    Args:
        name: the element's name.
        children: text, numbers, markup, or sequences of them; None is nothing.
        attributes: None and False leave one out, True writes it without a value. An underscore at the end of a name is
            dropped (`class_`), others become hyphens.
    """
    parts = [f"<{name}"]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.rstrip("_").replace("_", "-")
        parts.append(f" {attribute}" if value is True else f' {attribute}="{_escaped(value)}"')
    parts.append(">")
    if name in _VOID:
        return Markup("".join(parts))
    return Markup("".join([*parts, join(children), f"</{name}>"]))


def join(children: Iterable[Child]) -> Markup:
    """Return markup that holds all children one after another."""
    return Markup("".join(_content(child) for child in children))


def clean(text: str) -> str:
    """Put the replacement character where a page cannot hold what a text has."""
    return _UNFIT.sub("\ufffd", text)


def cut(text: str, limit: int) -> str:
    """Return one line of at most `limit` characters; what was cut off is marked with `…`."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def text_width(text: str, size: float) -> float:
    """Estimate how many units a line of text takes at a font size: wide characters an em, others two thirds."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return size * (wide + 0.66 * (len(text) - wide))


def fitted(text: str, width: float, size: float) -> str:
    """Cut a line of text to the given width."""
    line = " ".join(text.split())
    if text_width(line, size) <= width:
        return line
    while line and text_width(f"{line}…", size) > width:
        line = line[:-1]
    return f"{line.rstrip()}…"


def _content(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, (str, int, float)):
        return _escaped(child)
    return join(child)


def _escaped(value: object) -> str:
    return html.escape(clean(number(value) if isinstance(value, float) else str(value)), quote=True)


def number(value: float) -> str:
    """Write a number with two digits after the point at most, as coordinates need them."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"
