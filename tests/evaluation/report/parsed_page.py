"""A page as an HTML parser that is not ours reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "input", "col"}


@dataclass
class Parsed:
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    unclosed: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def attribute(self, name: str) -> list[str]:
        return [attributes[name] or "" for _, attributes in self.tags if name in attributes]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found = Parsed()

    def handle_starttag(self, tag, attributes):
        self.found.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.found.unclosed.append(tag)

    def handle_endtag(self, tag):
        assert self.found.unclosed.pop() == tag

    def handle_data(self, data):
        if not self.found.unclosed or self.found.unclosed[-1] not in ("style", "script"):
            self.found.texts.append(data)


def parse(page: str) -> Parsed:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.found
