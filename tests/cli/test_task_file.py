"""A task of the user's own, from a Python file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cli_calls import TINY, call

from korscideberta import tasks
from korscideberta.tasks.task import unregister

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "my_task.py"


@pytest.fixture(autouse=True)
def leaves_no_task():
    before = set(tasks.names())
    yield
    for name in set(tasks.names()) - before:
        unregister(name)


@pytest.fixture
def table(tmp_path):
    rows = [f"비가 {('왔다', '온다')[i % 2]} {i},{('과거', '현재')[i % 2]}" for i in range(16)]
    path = tmp_path / "문장.csv"
    path.write_text("문장,시제\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_it_trains_evaluates_and_predicts(table, tmp_path):
    file = Path(shutil.copy(EXAMPLE, tmp_path / "mine.py"))
    run = tmp_path / "run"
    done = call("train", "tense", "--task-file", file, "--train", table, *TINY, "--out", run)
    assert done.code == 0, done.err
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert (record["task"], record["task_file"], record["labels"]) == ("tense", str(file), ["past", "present"])
    shown = call("predict", run, "눈이 왔다").out
    assert "past" in shown
    again = call("train", "--config", run / "run.json", "--out", tmp_path / "again")
    assert again.code == 0, again.err
    assert (tmp_path / "again" / "metrics.json").read_bytes() == (run / "metrics.json").read_bytes()
    file.unlink()
    done = call("predict", run, "눈이 왔다")
    assert (done.code, f"--task-file {file}: no such file" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x = 1\n\nraise RuntimeError('not today')\n", "mine.py:3: RuntimeError: not today"),
        ("import nothing_of_that_name\n", "mine.py:1: ModuleNotFoundError: No module named"),
        ("def (:\n", "mine.py:1: SyntaxError"),
        ("x = 1\n", "mine.py: registers no task"),
        ("from korscideberta.tasks import get, register\nregister(get('mnli'))\n", "'mnli' is registered twice"),
    ],
)
def test_a_file_that_will_not_do_gives_one_line(content, message, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(content, encoding="utf-8")
    before = tasks.names()
    done = call("train", "tense", "--task-file", file, "--out", tmp_path / "run")
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert message in done.err
    assert tasks.names() == before


def test_no_such_file(tmp_path):
    for name in ("none.py", "folder"):
        done = call("train", "tense", "--task-file", tmp_path / name, "--out", tmp_path / "run")
        assert (done.code, "no such file" in done.err) == (2, True)
