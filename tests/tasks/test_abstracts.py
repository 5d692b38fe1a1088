from __future__ import annotations

import pytest

from korscideberta import tasks
from korscideberta.errors import DataError

HEADER = "paper_id,position,sentence,tag\n"


def read(tmp_path, content, labelled=True):
    path = tmp_path / "a.csv"
    path.write_text(content, encoding="utf-8")
    return tasks.get("abstracts").read(path, None, None, labelled)


def test_neighbours_of_the_paper_are_the_context(tmp_path):
    rows = "p2,1,혼자다.,목표\np1,2,둘째.,방법\np1,10,셋째.,결과\np1,1,첫째.,목표\n"
    lone, second, third, first = read(tmp_path, HEADER + rows)
    assert (lone.text, lone.text_pair, lone.labels) == ("혼자다.", None, ("목표",))
    assert (first.text_pair, second.text_pair, third.text_pair) == ("둘째.", "첫째. 셋째.", "둘째.")


def test_without_positions_the_order_of_the_file_counts(tmp_path):
    first, other, second = read(tmp_path, "doc_id,sentence,tag\np1,첫째.,목표\np2,다른.,목표\np1,둘째.,방법\n")
    assert (first.text_pair, other.text_pair, second.text_pair) == ("둘째.", None, "첫째.")


def test_sentence_and_tag_suffice_and_may_have_korean_names(tmp_path):
    (example,) = read(tmp_path, "문장,태그\n첫째.,목표\n")
    assert (example.text, example.text_pair, example.labels) == ("첫째.", None, ("목표",))
    (example,) = read(tmp_path, "sentence\n첫째.\n", labelled=False)
    assert example.labels == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER + "p1,1,첫째.,목표\np1,1,둘째.,방법\n", r"a.csv:3: position 1 of paper 'p1' was already used at .*:2"),
        (HEADER + "p1,하나,첫째.,목표\n", r"a.csv:2: the position is '하나'"),
        (HEADER + "p1,1,첫째.,\n", r"a.csv:2: the label is empty"),
        (HEADER + "p1,1,,목표\n", r"a.csv:2: no text in column 'sentence'"),
        (HEADER + "p1,1,첫째.\n", r"a.csv:2: 3 cells where the header has 4"),
        ("sentence,label\n첫째.,목표\n", r"no column 'tag'"),
    ],
)
def test_faults_are_named_with_their_row(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, content)
