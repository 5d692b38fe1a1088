from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korscideberta import tasks
from korscideberta.data.examples import Columns, Example
from korscideberta.errors import ConfigError

COLUMNS = Columns(text=("text",), label="label")
CLASSIFY = tasks.get("classify")


def examples_of(*labels):
    return [Example(id=str(i), text="글", labels=tuple(label.split("|"))) for i, label in enumerate(labels)]


@given(st.lists(st.lists(st.sampled_from("abcde"), min_size=1, max_size=3, unique=True), min_size=1), st.integers(1, 5))
def test_labels_of_few_rows_are_one(rows, minimum):
    train = [Example(id=str(i), text="글", labels=tuple(labels)) for i, labels in enumerate(rows)]
    counts = Counter(label for labels in rows for label in labels)
    kept = sorted(label for label in counts if counts[label] >= minimum)
    wanted = [*kept, *(["other"] if len(kept) < len(counts) else [])]
    if len(wanted) < 2:
        with pytest.raises(ConfigError, match=f"--merge-rare {minimum}: all of the"):
            tasks.merge_rare(CLASSIFY, {"train": train}, minimum)
        return
    task, merged = tasks.merge_rare(CLASSIFY, {"train": train}, minimum)
    assert list(task.labels) == wanted
    for before, after in zip(train, merged["train"], strict=True):
        assert len(set(after.labels)) == len(after.labels)
        assert set(after.labels) == {label if label in kept else "other" for label in before.labels}
        assert [label for label in after.labels if label != "other"] == [one for one in before.labels if one in kept]
        assert (before.id, before.text) == (after.id, after.text)


def test_a_run_reads_rare_labels_as_it_was_trained(tmp_path):
    train = examples_of("a", "a", "b", "b", "c")
    task, merged = tasks.merge_rare(CLASSIFY, {"train": train, "dev": examples_of("c", "d", "a")}, 2)
    assert [one.labels for one in merged["dev"]] == [("other",), ("other",), ("a",)]  # d has no training row at all
    record = json.loads(json.dumps({**tasks.task_record(task), "labels": task.labels}))
    assert record["variant"] == {"merge_rare": 2, "merged": {"c": 1}}
    (tmp_path / "f.csv").write_text("text,label\n글,c\n글,b\n", encoding="utf-8")
    again = tasks.task_of(record)
    assert [one.labels for one in again.read(tmp_path / "f.csv", COLUMNS, None, True)] == [("other",), ("b",)]
    assert [one.labels for one in again.read(tmp_path / "f.csv", COLUMNS, None, False)] == [(), ()]
    assert again.display("other") == "other 기타"


def test_nothing_is_merged_where_all_labels_have_enough_rows():
    train = examples_of("a", "b", "a", "b")
    task, merged = tasks.merge_rare(CLASSIFY, {"train": train}, 2)
    assert task.labels == ("a", "b")
    assert merged["train"] == train
    assert task.variant == {"merge_rare": 2, "merged": {}}


def test_fields_without_a_row_are_merged_too():
    task, merged = tasks.merge_rare(tasks.get("papers"), {"train": examples_of("NA|EE", "NA", "EC")}, 2)
    assert task.labels == ("NA", "other")
    assert [one.labels for one in merged["train"]] == [("NA", "other"), ("NA",), ("other",)]


def test_tasks_without_labels_have_none_to_merge():
    with pytest.raises(ConfigError, match="--merge-rare 2: regress does not sort texts into labels"):
        tasks.merge_rare(tasks.get("regress"), {"train": []}, 2)
