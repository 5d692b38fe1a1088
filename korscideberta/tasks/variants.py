"""Tasks as a run's options alter them, and how `run.json` keeps that.

level      large, middle, small or all
taxonomy   the file of fields and what it held
merge_rare rows below which labels are merged, and under `merged` which these are
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from korscideberta.errors import ConfigError
from korscideberta.files import file_sha256
from korscideberta.nearest import nearest
from korscideberta.tasks.files import load_task_file
from korscideberta.tasks.merging import with_merged
from korscideberta.tasks.task import Task, get
from korscideberta.tasks.taxonomy import ALL, LEVELS, Taxonomy
from korscideberta.tasks.taxonomy_files import read_taxonomy


def with_fields(task: Task, level: str | None, taxonomy: Path | None) -> Task:
    """Return a task with the labels of a level (None: large) of the fields in a file (None: the task's own).

    Raises:
        ConfigError: the task's labels have no levels, or there is no such level.
        DataError: the file cannot be used.
    """
    if level is None and taxonomy is None:
        return task
    if level is not None and level not in (*LEVELS, ALL):
        raise ConfigError(f"--level {level}: {nearest(level, (*LEVELS, ALL))}")
    if taxonomy is None:
        return _with_fields(task, level, None, {})
    fields = read_taxonomy(taxonomy)
    listed = {"file": str(taxonomy.resolve()), "sha256": file_sha256(taxonomy), "fields": fields.record()}
    return _with_fields(task, level, fields, {"taxonomy": listed})


def task_record(task: Task) -> dict[str, Any]:
    """Return what `run.json` says of a task."""
    variant = {"variant": dict(task.variant)} if task.variant else {}
    return {"task": task.name, "task_file": str(task.file) if task.file else None, **variant}


def task_of(record: Mapping[str, Any]) -> Task:
    """Return the task that a `run.json` names, from the file that registers it where it has one.

    Raises:
        ConfigError: there is no such task.
    """
    if record.get("task_file"):
        load_task_file(Path(record["task_file"]))
    task, variant = get(record["task"]), record.get("variant") or {}
    if "level" in variant:
        listed = variant.get("taxonomy")
        fields = None if listed is None else Taxonomy.of_record(listed["fields"])
        task = _with_fields(task, variant["level"], fields, {} if listed is None else {"taxonomy": listed})
    if "merged" in variant:
        merged = {name: variant[name] for name in ("merge_rare", "merged")}
        task = with_merged(task, tuple(record["labels"]), merged)
    return task


def _with_fields(task: Task, level: str | None, fields: Taxonomy | None, listed: Mapping[str, Any]) -> Task:
    if task.at_level is None:
        raise ConfigError(f"--level, --taxonomy: the labels of {task.name} have no levels; those of papers have")
    level = level or LEVELS[0]
    return replace(task.at_level(level, fields), variant={"level": level, **listed})
