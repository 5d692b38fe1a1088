"""What a run was made of, and how it is made again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from korscideberta.evaluation.report.html import Child, Markup, cut, join, tag
from korscideberta.evaluation.report.repeat import command, command_line, last_name
from korscideberta.evaluation.report.runs import ReportedRun
from korscideberta.evaluation.report.tables import Cell, Head, pairs, table
from korscideberta.evaluation.report.words import Words

_LONGEST = 200


def source(run: ReportedRun, words: Words) -> Markup:
    """Return fingerprints of data and tokenizer, settings, versions and the command that repeats the run."""
    record = run.record
    heads = [Head(words("split")), Head(words("file")), Head("SHA-256")]
    files = [
        [Cell(words.split(split)), Cell(last_name(entry["file"])), Cell(tag("code", entry["sha256"]))]
        for split, entries in record["data"].items()
        for entry in entries
    ]
    return join(
        [
            tag("h4", words("data")),
            table(heads, files, label=words("data"), sortable=False),
            tag("h4", words("tokenizer")),
            pairs([(name, _value(value)) for name, value in _flat(record.get("tokenizer") or {})]),
            tag("details", tag("summary", words("settings")), pairs([(n, _value(v)) for n, v in settings(record)])),
            tag("h4", words("repeat")),
            tag("pre", tag("code", command_line(command(record, out="DIR"))), tabindex="0"),
            tag("p", words.markup("repeat_note"), class_="note"),
        ]
    )


def settings(record: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return what a run was set to, by option name, with versions and machine."""
    choice = {name: value for name, value in record["model"].items() if name != "max_length"}
    rows = [*_flat(choice), ("max_length", record["max_length"]), *_flat(record["settings"])]
    rows += [("device", record.get("device")), ("world_size", record.get("world_size"))]
    rows += [(f"version: {name}", value) for name, value in record["versions"].items()]
    return [(name, _public(value)) for name, value in rows]


def _public(value: Any) -> Any:
    """Of a path of the machine its last name."""
    return last_name(value) if isinstance(value, str) and PurePath(value).is_absolute() else value


def _flat(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows += [(f"{name}.{inner}", content) for inner, content in _flat(value)]
        else:
            rows.append((name, value))
    return rows


def _value(value: Any) -> Child:
    shown = str(value)
    return tag("code", cut(shown, _LONGEST) if shown.strip() else repr(shown))
