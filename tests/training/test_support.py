from __future__ import annotations

from korscideberta.data.examples import Example
from korscideberta.training.support import support_table


def rows(*labels):
    return [Example(id=str(i), text="글", labels=tuple(label.split("|"))) for i, label in enumerate(labels)]


def test_every_label_of_few_is_told_with_its_rows():
    table = support_table(("a", "b", "c"), {"train": rows("b", "b|a", "b"), "dev": rows("a", "c")}, str.upper)
    assert [line.split() for line in table.splitlines()] == [
        ["train", "dev", "rows", "of"], ["3", "0", "B"], ["1", "1", "A"], ["0", "1", "C"],
    ]  # fmt: skip


def test_of_many_labels_the_most_and_the_least_are_told():
    labels = [f"L{i:03}" for i in range(100)]
    train = [label for i, label in enumerate(labels[:90]) for _ in range(90 - i)]
    lines = support_table(labels, {"train": rows(*train)}).splitlines()
    assert len(lines) == 1 + 10 + 1 + 10 + 1
    assert lines[1].split() == ["90", "L000"]
    assert lines[-2].split() == ["1", "L089"]
    assert lines[-1] == "10 of 100 labels have no training row"
