"""Tasks from a Python file of the user's own."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

from korscideberta.errors import ConfigError, KorsciError
from korscideberta.tasks.task import get, names, register, unregister

_LOADED: dict[Path, frozenset[str]] = {}
"""What each file registered, so that it can be run again."""


def load_task_file(path: Path) -> None:
    """Run a Python file that registers tasks; a second time its tasks take the place of those of the first.

    Raises:
        ConfigError: the file is missing, raises an error, or registers no task or one that is there already.
    """
    path = path.resolve()
    if not path.is_file():
        raise ConfigError(f"--task-file {path}: no such file")
    if path.suffix != ".py":
        raise ConfigError(f"--task-file {path}: not a Python file (.py)")
    for name in _LOADED.pop(path, frozenset()):
        unregister(name)
    before = frozenset(names())
    spec = importlib.util.spec_from_file_location(f"korscideberta_task_file_{path.stem}", path)
    assert spec is not None, path
    assert spec.loader is not None, path
    try:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    except Exception as error:
        for name in frozenset(names()) - before:
            unregister(name)
        what = str(error) if isinstance(error, KorsciError) else f"{type(error).__name__}: {error}"
        raise ConfigError(f"--task-file {path}{_line_of(error, path)}: {what}") from error
    found = frozenset(names()) - before
    if not found:
        raise ConfigError(f"--task-file {path}: registers no task; call korscideberta.tasks.register(Task(…)) in it")
    for name in found:
        task = get(name)
        unregister(name)
        register(replace(task, file=path))
    _LOADED[path] = found


def _line_of(error: Exception, path: Path) -> str:
    """The last line of the file that the error passed through, as `:12`."""
    if isinstance(error, SyntaxError):
        return f":{error.lineno}"
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return "" if line is None else f":{line}"
