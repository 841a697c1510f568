"""Layouts that are told apart by the columns of their tables, in Parquet or text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pipeline.readers.files import DataFile, data_files
from pipeline.readers.losses import Losses
from pipeline.readers.source import TableSource
from pipeline.readers.tables import Table, TableFiles
from playscore.errors import PlayscoreError, Reason
from playscore.sources import Recognition, Source

TRACKING: Final = "tracking"
_MAX_NAMED: Final = 6
_MAX_LACKING: Final = 0.2
"""Share of a table's columns that a file may lack beside others that have them all."""


@dataclass(frozen=True)
class TableLayout:
    """A layout: the tables that its files hold, and the reader of them. See `playscore.sources.Layout`."""

    name: str
    tables: tuple[Table, ...]
    reader: Callable[[Mapping[str, TableFiles], Losses], TableSource]
    main: str = TRACKING
    """The table whose rows make up the games."""

    def recognize(self, data: Path) -> Recognition:
        """See Layout."""
        return recognized(self.tables, _Folder.of(data))

    def open(self, data: Path) -> TableSource:
        """See Layout."""
        folder = _Folder.of(data)
        recognition = recognized(self.tables, folder)
        if recognition.missing:
            wanting = "; ".join((*recognition.missing, *recognition.unreadable))
            raise PlayscoreError(Reason.FIELD_INVALID, f"{data} is not in layout {self.name}: {wanting}")
        losses = Losses()
        for path, why in folder.unreadable.items():
            losses.add(str(path), "the file cannot be read", 1, why)
        found = {table.name: TableFiles(table, folder.holding(table), losses) for table in self.tables}
        for file, lacking in folder.almost(self.tables, self.main):
            if _is_listed(TableFiles(found[self.main].table, [file], Losses()), self.main, found):
                what = f"the file is like the other tables of {self.main}, but lacks columns"
                losses.add(str(file.path), what, 1, f"{file.path.name} lacks {', '.join(lacking)}")
                found[self.main].add(file)
        return self.reader({name: files for name, files in found.items() if files.found}, losses)


@dataclass(frozen=True)
class UnplayableLayout:
    """A layout that is known and cannot be played. See `playscore.sources.Layout`."""

    name: str
    tables: tuple[Table, ...]
    why: str
    """What it lacks, and what would be needed."""

    def recognize(self, data: Path) -> Recognition:
        """See Layout. What almost is one of these is more likely one that can be played."""
        recognition = recognized(self.tables, _Folder.of(data))
        return replace(recognition, likeness=recognition.likeness / 3.0) if recognition.missing else recognition

    def open(self, data: Path) -> Source:
        """Raises FIELD_INVALID, always."""
        raise PlayscoreError(
            Reason.FIELD_INVALID, f"{data} is in layout {self.name}, which cannot be played: {self.why}"
        )


@dataclass(frozen=True)
class _Folder:
    """The data files of a folder."""

    files: Sequence[DataFile]
    unreadable: Mapping[Path, str]
    """Files that hold no table, and why."""

    @classmethod
    def of(cls, data: Path) -> _Folder:
        files, unreadable = [], {}
        for file in data_files(data):
            try:
                if file.columns:
                    files.append(file)
            except PlayscoreError as fault:
                unreadable[file.path] = fault.detail
        return cls(files, unreadable)

    def holding(self, table: Table) -> list[DataFile]:
        return [file for file in self.files if table.is_in(file.columns)]

    def almost(self, tables: Sequence[Table], name: str) -> Iterator[tuple[DataFile, tuple[str, ...]]]:
        """Files that are none of the tables and lack few columns of the one called `name`; and which they lack."""
        table = next((table for table in tables if table.name == name), None)
        if table is None:
            return
        for file in self.files:
            lacking = table.missing(file.columns)
            if (
                0 < len(lacking) <= _MAX_LACKING * len(table.columns)
                and table.game not in lacking
                and not table.without.intersection(file.columns)
                and not any(other.is_in(file.columns) for other in tables)
            ):
                yield file, lacking


def _is_listed(like: TableFiles, main: str, found: Mapping[str, TableFiles]) -> bool:
    """Whether other tables name a game of a file like `main`: else it is of another layout. No if it is unreadable."""
    try:
        games = like.games.keys()
    except PlayscoreError:
        return False
    return any(not games.isdisjoint(table.games) for name, table in found.items() if name != main)


def recognized(tables: Iterable[Table], folder: _Folder) -> Recognition:
    """How near a folder comes to having all tables that are needed, by their columns."""
    tables = tuple(tables)
    strangers = [file.path.name for file in folder.files if not any(table.is_in(file.columns) for table in tables)]
    missing: list[str] = []
    there = columns = 0
    for table in tables:
        if not table.required:
            continue
        columns += len(table.columns)
        if folder.holding(table):
            there += len(table.columns)
            continue
        nearest = min(
            folder.files,
            key=lambda file: (len(table.missing(file.columns)), table.name not in file.path.name),
            default=None,
        )
        lacking = tuple(table.columns) if nearest is None else table.missing(nearest.columns)
        there += len(table.columns) - len(lacking)
        missing.append(_missing(table, nearest, lacking, strangers))
    return Recognition(tuple(missing), there / columns, tuple(folder.unreadable.values()))


def _missing(table: Table, nearest: DataFile | None, lacking: Sequence[str], strangers: Sequence[str]) -> str:
    """What would make a file the table, or which would be needed; `strangers` are files that are no table of it."""
    is_like = nearest is not None and (2 * len(lacking) <= len(table.columns) or table.name in nearest.path.name)
    if nearest is None or not is_like:
        among = f" (not {', '.join(strangers[:_MAX_NAMED])})" if strangers else ""
        return f"no file{among} is its table of {table.name}, which has the columns {', '.join(table.columns)}"
    if not lacking:
        others = ", ".join(sorted(table.without.intersection(nearest.columns)))
        return f"{nearest.path.name} would be its table of {table.name}, but has {others}, as another layout does"
    columns = "the column" if len(lacking) == 1 else "the columns"
    return f"{nearest.path.name}, its table of {table.name}, lacks {columns} {', '.join(lacking)}"
