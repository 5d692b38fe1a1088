"""Tables from Parquet files, with pyarrow where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from korscideberta.errors import DataError, DependencyError

_ROWS = 4096
"""Records that are Python values at a time."""


def record_columns(path: Path) -> tuple[str, ...]:
    """Return the columns of a Parquet file; errors as of `read_records`."""
    with _opened(path) as file:
        return tuple(file.schema_arrow.names)


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a Parquet file as Python values, all columns in each.

    Raises:
        DataError: the file is missing or not in this format.
        DependencyError: pyarrow is not installed.
    """
    with _opened(path) as file:
        for batch in file.iter_batches(_ROWS):
            yield from batch.to_pylist()


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise DependencyError(
            f"{path}: Parquet needs pyarrow; install it with 'pip install korscideberta[parquet]'"
        ) from None
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield file
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})") from None
