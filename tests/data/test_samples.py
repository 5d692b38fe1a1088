"""The sample papers keep what their README promises."""

from __future__ import annotations

from collections import Counter

from korscideberta.data.readers import read_table
from korscideberta.tasks import get
from korscideberta.tasks.papers import SAMPLE_PAPERS
from korscideberta.tasks.taxonomy import LARGE_FIELDS

ROWS = [row.cells for row in read_table(SAMPLE_PAPERS).rows]


def test_twelve_papers_a_field_split_eight_two_two():
    primary = Counter((row["fields"].split("|")[0], row["split"]) for row in ROWS)
    wanted = {"train": 8, "dev": 2, "test": 2}
    assert primary == {(code, split): n for code in LARGE_FIELDS for split, n in wanted.items()}


def test_about_a_third_have_more_than_one_field():
    several = sum("|" in row["fields"] for row in ROWS)
    assert 0.28 < several / len(ROWS) < 0.4
    assert sum(row["fields"].count("|") == 2 for row in ROWS) >= 20


def test_no_two_papers_share_a_title_or_a_sentence():
    assert len({row["title"] for row in ROWS}) == len(ROWS)
    sentences = Counter(s.strip() for row in ROWS for s in row["abstract"].split(". ") if len(s) > 15)
    assert max(sentences.values()) == 1
    assert all(row["abstract"].count(".") >= 3 and 200 <= len(row["abstract"]) <= 600 for row in ROWS)


def test_the_task_reads_them():
    task = get("papers")
    assert [len(task.read(SAMPLE_PAPERS, None, split, True)) for split in ("train", "dev", "test")] == [264, 66, 66]
