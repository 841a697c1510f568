"""Layouts that are told apart by the columns of their tables, in Parquet or CSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.readers.source import TableSource
from pipeline.readers.tables import Table, TableFiles, column_names, data_files, find
from playscore.errors import PlayscoreError, Reason

TRACKING = "tracking"
"""The table by which a layout is known."""


@dataclass(frozen=True)
class TableLayout:
    """A layout: the tables that its files hold, and the reader of them. See `playscore.sources.Layout`."""

    name: str
    tables: tuple[Table, ...]
    reader: Callable[[Mapping[str, TableFiles]], TableSource]

    def finds(self, data: Path) -> bool:
        """See Layout."""
        return data.is_dir() and TRACKING in self._found(data)

    def open(self, data: Path) -> TableSource:
        """See Layout."""
        found = self._found(data)
        for table in self.tables:
            if table.required and table.name not in found:
                raise PlayscoreError(
                    Reason.FIELD_INVALID,
                    f"{data}: layout {self.name} needs a table of {table.name}, a Parquet or CSV file with the columns "
                    f"{', '.join(table.columns)}; found {', '.join(found) or 'no table of it'}",
                )
        return self.reader(found)

    def _found(self, data: Path) -> dict[str, TableFiles]:
        return find(self.tables, {file: column_names(file) for file in data_files(data)})
