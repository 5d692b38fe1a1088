"""What a run was made of, and how it is made again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from korscideberta.evaluation.report.html import Child, Markup, cut, join, tag
from korscideberta.evaluation.report.repeat import command, command_line, last_name, public
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
            _tokenizer(record, words),
            tag("details", tag("summary", words("settings")), pairs([(n, _value(v)) for n, v in settings(record)])),
            tag("h4", words("repeat")),
            tag("pre", tag("code", command_line(command(record, out="DIR"))), tabindex="0"),
            tag("p", words("repeat_files"), class_="note"),
            tag("p", words.markup("repeat_config"), class_="note") if "max_length" in record else None,
        ]
    )


def _tokenizer(record: Mapping[str, Any], words: Words) -> Markup | None:
    """Its fingerprint; nothing where a run has none, or one a fold."""
    found = record.get("tokenizer")
    if not found:
        return None
    return join([tag("h4", words("tokenizer")), pairs([(name, _value(value)) for name, value in _flat(found)])])


def settings(record: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return what a run was set to, by option name, with versions and machine; paths by their last names."""
    chosen = {name: value for name, value in record.get("model", {}).items() if name != "max_length"}
    alone = (
        "folds",
        "fold_seed",
        "group",
        "threshold",
        "shingle",
        "seed",
        "max_length",
        "dev_share",
        "device",
        "world_size",
    )
    rows = [(name, record[name]) for name in alone if name in record]
    rows += [*_flat(chosen), *_flat(record.get("settings", {})), *_flat(record.get("baseline", {}))]
    rows += [(f"version: {name}", value) for name, value in record["versions"].items()]
    return [(name, public(value)) for name, value in rows]


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
