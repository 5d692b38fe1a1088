"""Whether a run that goes on, or that several processes share, is one and the same."""

from __future__ import annotations

import json
from typing import Any

from korscideberta.collective import gathered
from korscideberta.errors import ConfigError
from korscideberta.run import RunDirectory
from korscideberta.training.settings import comparable

_RESULT_DEPENDS_ON = (
    "task", "variant", "data", "dev_share", "columns", "model", "settings", "class_weights", "max_length", "labels",
    "tokenizer", "world_size",
)  # fmt: skip
_MOST_SHOWN = 500


def refuse_changes(run: RunDirectory, record: dict[str, Any], model_defaults: dict[str, Any]) -> None:
    """Refuse to go on with a run whose data or settings are not those it was begun with, naming all that differ.

    What is newer than the run counts as its default; `model_defaults` are those of what is said of the model.
    """
    before = run.read_settings()
    if "seeds" in before:
        raise ConfigError(f"--resume: {run.path} holds runs with the seeds {before['seeds']}; add --seeds")
    differences = []
    for part in _RESULT_DEPENDS_ON:
        old, new = before.get(part), _as_json(record.get(part))
        if part == "settings":
            old, new = (comparable(settings or {}) for settings in (old, new))
        elif part == "model":
            old = {**model_defaults, **(old or {})}
        if old != new:
            differences += _differences(part, old, new)
    if differences:
        raise ConfigError(f"--resume: not the run begun in {run.path}: {'; '.join(differences)}")


def refuse_disagreement(record: dict[str, Any]) -> None:
    """Refuse a run whose processes would each train on something else."""
    records = gathered({part: record.get(part) for part in _RESULT_DEPENDS_ON})
    for number, other in enumerate(records):
        differing = [part for part in _RESULT_DEPENDS_ON if other[part] != records[0][part]]
        if differing:
            raise ConfigError(
                f"the processes 0 and {number} of this run differ in {', '.join(differing)}; "
                "every machine needs the same files and the same command"
            )


def _as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _differences(name: str, old: Any, new: Any) -> list[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            f"{key} was {_shown(old.get(key))}, now {_shown(new.get(key))}"
            for key in {**old, **new}
            if old.get(key) != new.get(key)
        ]
    return [f"{name} was {_shown(old)}, now {_shown(new)}"]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
