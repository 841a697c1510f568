"""Tables of a layout, found in a folder by their columns, whatever their files are called."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from playscore.errors import PlayscoreError, Reason

SUFFIXES = (".parquet", ".csv")
NULLS = ("", "NA", "N/A", "None", "nan", "NaN", "null", "NULL")
GAME = "gameId"


class Kind(enum.Enum):
    """What a column holds. Files say it in many ways: identifiers come as integers, floats or text."""

    ID = "an identifier"
    TEXT = "text"
    INTEGER = "a whole number"
    NUMBER = "a number"
    FLAG = "true or false"
    TIME = "a time"
    """Read as microseconds since 1970 UTC."""


_DTYPES: dict[Kind, pl.DataType] = {
    Kind.ID: pl.String(),
    Kind.TEXT: pl.String(),
    Kind.INTEGER: pl.Int64(),
    Kind.NUMBER: pl.Float64(),
    Kind.FLAG: pl.Boolean(),
    Kind.TIME: pl.Int64(),
}


@dataclass(frozen=True)
class Table:
    """A table of a layout: `columns` tell it from all others, `extras` are read where present and null elsewhere."""

    name: str
    columns: Mapping[str, Kind]
    extras: Mapping[str, Kind] = field(default_factory=dict)
    required: bool = True


@dataclass(frozen=True)
class TableFiles:
    """The files that hold one table."""

    table: Table
    files: tuple[Path, ...]

    def rows(self, game_id: str | None = None) -> pl.DataFrame:
        """The table's rows, all or one game's, in file order; columns as `Table` declares them."""
        files = self.files if game_id is None else self._files_of_games.get(game_id, ())
        if not files:
            columns = {**self.table.columns, **self.table.extras}
            return pl.DataFrame(schema={name: _DTYPES[kind] for name, kind in columns.items()})
        return pl.concat([self._read(file, game_id) for file in files])

    def row(self, game_id: str) -> dict[str, Any] | None:
        """The row of a game in a table that has one a game."""
        return next(self.rows(game_id).iter_rows(named=True), None)

    @cached_property
    def game_ids(self) -> tuple[str, ...]:
        """Identifiers of the games in the table, in order."""
        return tuple(sorted(self._files_of_games, key=lambda game: (len(game), game)))

    @cached_property
    def _files_of_games(self) -> dict[str, tuple[Path, ...]]:
        games: dict[str, tuple[Path, ...]] = {}
        for file in self.files:
            rows = _scan(file)
            found = (
                rows.select(_typed(GAME, Kind.ID, rows.collect_schema()[GAME])).unique().collect()[GAME].drop_nulls()
            )
            for game in found:
                games[game] = (*games.get(game, ()), file)
        return games

    def _read(self, file: Path, game_id: str | None) -> pl.DataFrame:
        rows = _scan(file)
        stored = rows.collect_schema()
        if game_id is not None:
            rows = rows.filter(_typed(GAME, Kind.ID, stored[GAME]) == game_id)
        columns = {**self.table.columns, **self.table.extras}
        typed = {
            name: _typed(name, kind, stored[name]) if name in stored else pl.lit(None, dtype=_DTYPES[kind]).alias(name)
            for name, kind in columns.items()
        }
        try:
            return rows.select(typed.values()).collect()
        except pl.exceptions.PolarsError as error:
            wrong = (name for name, column in typed.items() if not _readable(rows.select(column)))
            expected = ", ".join(f"column {name} should hold {columns[name].value}" for name in wrong)
            told = str(error).partition("\n")[0]
            raise PlayscoreError(Reason.FIELD_INVALID, f"{file}: {expected or 'not readable'}: {told}") from error


def data_files(folder: Path) -> tuple[Path, ...]:
    """The Parquet and CSV files of a folder, by name."""
    if not folder.is_dir():
        raise PlayscoreError(Reason.FIELD_INVALID, f"{folder} is no folder; give the one that holds the data files")
    return tuple(sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES))


def column_names(file: Path) -> tuple[str, ...]:
    """Names of a file's columns."""
    return tuple(_scan(file).collect_schema().names())


def find(tables: Iterable[Table], columns_of: Mapping[Path, tuple[str, ...]]) -> dict[str, TableFiles]:
    """Which files hold which tables, by table name; tables without a file are absent."""
    found = {}
    for table in tables:
        files = tuple(file for file, columns in columns_of.items() if set(table.columns) <= set(columns))
        if files:
            found[table.name] = TableFiles(table, files)
    return found


def _readable(rows: pl.LazyFrame) -> bool:
    try:
        rows.collect()
    except pl.exceptions.PolarsError:
        return False
    return True


def _scan(file: Path) -> pl.LazyFrame:
    if file.suffix.lower() == ".parquet":
        return pl.scan_parquet(file)
    return pl.scan_csv(file, infer_schema=False)


def _typed(name: str, kind: Kind, stored: pl.DataType) -> pl.Expr:
    """The column `name` as its kind, from the type a file has it in."""
    column = pl.col(name)
    if stored == pl.String:
        column = pl.when(column.is_in(NULLS)).then(None).otherwise(column)
    match kind:
        case Kind.ID if stored.is_float():
            value = column.cast(pl.Int64).cast(pl.String)
        case Kind.ID:
            value = column.cast(pl.String).str.replace(r"\.0$", "")
        case Kind.TEXT:
            value = column.cast(pl.String)
        case Kind.INTEGER:
            value = column.cast(pl.Float64).cast(pl.Int64)
        case Kind.NUMBER:
            value = column.cast(pl.Float64)
        case Kind.FLAG:
            value = column.cast(pl.String).str.to_lowercase().is_in(["true", "1"])
        case Kind.TIME:
            value = (column.str.to_datetime() if stored == pl.String else column).dt.epoch("us")
    return value.alias(name)
