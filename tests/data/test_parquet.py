from __future__ import annotations

import math
import sys

import pytest

from korscideberta.data.readers import read_table
from korscideberta.errors import DataError, DependencyError


def test_a_table_in_every_type_of_cell(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    columns = {"제목": ["가", None], "수": [1, 2], "값": [0.5, math.nan], "참": [True, False], "표": [["a", "b"], []]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    assert table.columns == ("제목", "수", "값", "참", "표")
    assert [row.cells for row in table.rows] == [
        {"제목": "가", "수": "1", "값": "0.5", "참": "true", "표": "a|b"},
        {"제목": "", "수": "2", "값": "", "참": "false", "표": ""},
    ]
    assert table.rows[1].origin == f"{tmp_path / 'a.parquet'}[1]"


def test_what_is_no_parquet_file(tmp_path):
    pytest.importorskip("pyarrow")
    with pytest.raises(DataError, match="no such file"):
        read_table(tmp_path / "a.parquet")
    (tmp_path / "a.parquet").write_bytes(b"not this\nat all")
    with pytest.raises(DataError, match="not a readable Parquet file"):
        read_table(tmp_path / "a.parquet")


def test_pyarrow_that_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DependencyError, match=r"pip install korscideberta\[parquet\]"):
        read_table(tmp_path / "a.parquet")
