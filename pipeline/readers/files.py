"""Files that hold tables: Parquet and delimited text, read alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import polars as pl

from pipeline.readers.packed import unreadable
from pipeline.readers.text_files import CUT_OFF, ROW, TextFile, is_text


class DataFile(Protocol):
    """A file that holds a table."""

    @property
    def path(self) -> Path:
        """Where it is."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its columns. Raises FIELD_INVALID for what is no table."""
        ...

    @property
    def unclosed(self) -> tuple[int, ...]:
        """Numbers of rows that cannot be told apart from others; `rows` shows them blank."""
        ...

    def rows(self) -> pl.LazyFrame:
        """Its rows as it has them, with their numbers (`text_files.ROW`) and what does not fit (`CUT_OFF`)."""
        ...

    def collect(self, rows: pl.LazyFrame) -> pl.DataFrame:
        """What was made of its rows. Raises FIELD_INVALID that names the file."""
        ...


@dataclass(frozen=True)
class ParquetFile:
    """One Parquet file. See `DataFile`."""

    path: Path
    unclosed = ()

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """See DataFile."""
        try:
            return tuple(pl.scan_parquet(self.path, glob=False).collect_schema().names())
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise unreadable(self.path, str(error).partition("\n")[0]) from error

    def rows(self) -> pl.LazyFrame:
        """See DataFile."""
        rows = pl.scan_parquet(self.path, glob=False, row_index_name=ROW, row_index_offset=1)
        return rows.with_columns(pl.lit(None, dtype=pl.String).alias(CUT_OFF))

    def collect(self, rows: pl.LazyFrame) -> pl.DataFrame:
        """See DataFile."""
        try:
            return rows.collect()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise unreadable(self.path, str(error).partition("\n")[0]) from error


def data_files(data: Path) -> tuple[DataFile, ...]:
    """The Parquet and text files of a folder, by name, or the one file that is named."""
    files = sorted(data.iterdir()) if data.is_dir() else [data]
    return tuple(_opened(file) for file in files if _is_data(file))


def _is_data(file: Path) -> bool:
    is_hidden = file.name.startswith(".")
    return (file.suffix.lower() == ".parquet" or is_text(file)) and not is_hidden and file.is_file()


def _opened(file: Path) -> DataFile:
    return ParquetFile(file) if file.suffix.lower() == ".parquet" else TextFile(file)
