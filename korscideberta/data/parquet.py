"""Tables from Parquet files, with pyarrow where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from korscideberta.errors import DataError, DependencyError


def read_records(path: Path) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    """Return the columns of a Parquet file and its records, as Python values.

    Raises:
        DataError: the file is missing or not in this format.
        DependencyError: pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise DependencyError(
            f"{path}: Parquet needs pyarrow; install it with 'pip install korscideberta[parquet]'"
        ) from None
    try:
        table = pyarrow.parquet.read_table(path)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})") from None
    return tuple(table.column_names), table.to_pylist()
