from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from korscideberta.data.rows import Row, Rows

NAMES = st.sampled_from("abcd")
RECORDS = st.lists(st.dictionaries(NAMES, st.text(max_size=3)), max_size=6)


@given(RECORDS)
def test_records_come_back_with_all_columns(records: list[dict[str, str]]) -> None:
    rows = Rows((), "f.jsonl:")
    for place, record in enumerate(records, start=3):
        rows.add_record(place, record)
    columns = tuple(dict.fromkeys(name for record in records for name in record))
    expected = [
        Row({name: record.get(name, "") for name in columns}, f"f.jsonl:{place}")
        for place, record in enumerate(records, start=3)
    ]
    assert rows.columns == columns
    assert list(rows) == expected
    assert rows[1:] == expected[1:]
    assert [list(row.cells) for row in rows] == [list(columns)] * len(records)


def test_equal_labels_are_held_once_and_rows_cost_little() -> None:
    rows = Rows(("text", "label"), "f[", "]")
    for number in range(1000):
        rows.add(number, [f"text {number}", "".join(["lab", "el"])])
    assert rows[0].cells["label"] is rows[999].cells["label"]
    assert rows[-1].origin == "f[999]"
    held = sum(map(sys.getsizeof, rows._cells.values())) + sys.getsizeof(rows._places)
    assert held < 30 * len(rows)


def test_more_different_cells_than_are_looked_for() -> None:
    rows = Rows(("label",), "f:")
    cells = [str(number) for number in range(12_000)] * 2
    for number, cell in enumerate(cells):
        rows.add(number, [cell])
    assert [row.cells["label"] for row in rows] == cells
