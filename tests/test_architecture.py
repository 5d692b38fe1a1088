"""The import direction of the package, read from its import statements."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "korscideberta"

# A part may import the parts named here; what is not named it must not import.
BASE = {"errors", "files", "nearest"}
ALLOWED = {
    "errors": set(),
    "collective": set(),
    "_version": set(),
    "cpu": set(),
    "nearest": set(),
    "files": {"errors"},
    "hub": BASE,
    "unicode": {"errors"},
    "normalize": {"errors", "unicode"},
    "tokenization": {*BASE, "hub", "unicode", "normalize"},
    "tokenization_korscideberta_v2": {"tokenization"},
    "hf": {"errors", "tokenization"},
    "metrics": set(),
    "model": {*BASE, "cpu", "hub"},
    "precision": {"errors"},
    "data": {*BASE, "tokenization"},
    "tasks": {*BASE, "data", "metrics"},
    "locks": {"errors"},
    "run": {*BASE, "locks"},
    "inference": {"collective", "data", "precision"},
    "predictions": {*BASE, "data", "inference", "metrics"},
    "training": {
        *BASE, "_version", "collective", "data", "hub", "inference", "metrics", "model", "precision", "predictions",
        "run", "tasks", "tokenization",
    },
    "pretraining": {
        *BASE, "_version", "collective", "data", "hub", "model", "precision", "run", "tokenization", "training",
    },
    "evaluation": {
        *BASE, "_version", "cpu", "data", "inference", "metrics", "model", "precision", "predictions", "run", "tasks",
        "tokenization", "training",
    },
    "prediction": {
        *BASE, "_version", "data", "evaluation", "inference", "model", "precision", "tasks", "tokenization",
        "training",
    },
    "export": {
        *BASE, "evaluation", "hub", "metrics", "model", "run", "tasks", "tokenization", "training",
    },
}  # fmt: skip
HEAVY = {"torch", "sklearn", "MeCab", "numpy", "sentencepiece", "transformers", "scipy"}


def parts() -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        found.setdefault(path.relative_to(PACKAGE).parts[0].removesuffix(".py"), []).append(path)
    return found


def imports(path: Path, *, top_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = set()
    for node in tree.body if top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def part_of(name: str) -> str | None:
    pieces = name.split(".")
    return pieces[1] if pieces[0] == "korscideberta" and len(pieces) > 1 else None


@pytest.mark.parametrize("part", sorted(set(parts()) - {"__init__", "__main__", "commands"}))
def test_imports_point_one_way(part):
    assert part in ALLOWED, f"say in this file what korscideberta/{part} may import"
    for path in parts()[part]:
        found = {part_of(name) for name in imports(path)} - {None, part}
        found &= set(parts())
        assert found <= ALLOWED[part], f"{path.name} imports {sorted(found - ALLOWED[part])}"


def test_the_table_has_no_cycle():
    order: list[str] = []
    while len(order) < len(ALLOWED):
        ready = [part for part, below in ALLOWED.items() if part not in order and below <= set(order)]
        assert ready, f"cycle among {sorted(set(ALLOWED) - set(order))}"
        order += ready


@pytest.mark.parametrize("path", parts()["commands"], ids=lambda path: path.name)
def test_commands_load_nothing_heavy_at_the_top(path):
    assert not {name.split(".")[0] for name in imports(path, top_only=True)} & HEAVY
    local = {part_of(name) for name in imports(path, top_only=True)} - {None}
    assert local <= {"errors", "nearest", "commands", "_version"}


def test_metrics_import_numpy_and_scikit_learn_alone():
    outside = {
        name.split(".")[0]
        for path in parts()["metrics"]
        for name in imports(path)
        if not name.startswith("korscideberta")
    }
    assert outside - sys.stdlib_module_names <= {"numpy", "sklearn"}


def test_nobody_imports_commands():
    for part, paths in parts().items():
        if part not in ("commands", "__main__"):
            assert all(part_of(name) != "commands" for path in paths for name in imports(path))


def test_the_bridge_alone_imports_transformers():
    for part, paths in parts().items():
        found = {name.split(".")[0] for path in paths for name in imports(path)}
        assert ("transformers" in found) == (part == "hf"), part


def test_every_folder_of_code_is_installed():
    settings = (PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8")
    listed = settings[settings.index("\npackages = [") : settings.index("\n]\n", settings.index("\npackages = ["))]
    folders = {path.parent.relative_to(PACKAGE.parent) for path in PACKAGE.rglob("*.py")}
    assert {".".join(folder.parts) for folder in folders} <= set(re.findall(r'"([\w.]+)"', listed))
