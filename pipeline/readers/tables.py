"""Tables of a layout, found in a folder by their columns, whatever their files are called."""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipeline.readers.cells import DTYPES, Kind, nullified, typed, unreadable
from pipeline.readers.files import DataFile
from pipeline.readers.losses import Losses
from pipeline.readers.text_files import CUT_OFF, ROW

FILE: Final = "_file"
"""The column of the names of files; with `text_files.ROW` it says where a row stands."""

_MANY_ROWS: Final = 500_000
"""A file of text with so many rows is turned to Parquet once, rather than parsed whole for each of its games."""
_ROW_GROUP: Final = 50_000
_LOT_ROWS: Final = 20_000
"""Small games are read together, up to so many rows: a file costs more to search, and a column to begin with, than a
few rows more."""


@dataclass(frozen=True)
class Table:
    """A table of a layout."""

    name: str
    columns: Mapping[str, Kind]
    """They tell it from all others."""
    extras: Mapping[str, Kind] = field(default_factory=dict)
    """Read where they are there, null elsewhere."""
    without: frozenset[str] = frozenset()
    """Columns by which other layouts are known that have all of these, too."""
    game: str = "gameId"
    """The column of the game."""
    game_from: pl.Expr | None = None
    """What it holds, made of the columns of a file that has none of that name."""
    keys: tuple[str, ...] = ()
    """A row in which one of them is missing or unreadable belongs to nothing and is left out."""
    by_game: bool = False
    """It is large: it is read game by game, and a row with an unreadable cell is left out, unless most of the column is
    unreadable. Others are read at once, so that a column is understood as a whole; an unreadable cell is unknown."""
    required: bool = True

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """Of all columns."""
        return {**self.columns, **self.extras}

    def missing(self, columns: Iterable[str]) -> tuple[str, ...]:
        """The columns that a file with these lacks to be this table."""
        there = {*columns, self.game} if self.game_from is not None else set(columns)
        return tuple(name for name in self.columns if name not in there)

    def is_in(self, columns: Iterable[str]) -> bool:
        """Whether a file with these columns holds this table."""
        there = set(columns)
        return not self.missing(there) and not there & self.without


@dataclass(frozen=True, slots=True)
class _Share:
    """What a file holds of a game."""

    cells: tuple[Any, ...]
    """What its column of games says in the game's rows."""
    rows: int


@dataclass(frozen=True, slots=True)
class _Lot:
    """Games that were read from a file at once."""

    games: tuple[str, ...]
    raw: pl.DataFrame
    values: pl.DataFrame


class TableFiles:
    """The files that hold one table."""

    def __init__(self, table: Table, files: Sequence[DataFile], losses: Losses) -> None:
        self.table = table
        self._files = tuple(files)
        self._losses = losses
        self._lock = threading.RLock()
        self._lots: dict[DataFile, _Lot] = {}
        self._scans: dict[DataFile, pl.LazyFrame] = {}
        self._whole: dict[DataFile, tuple[pl.DataFrame, pl.DataFrame]] = {}

    @property
    def found(self) -> bool:
        """Whether there are any."""
        return bool(self._files)

    def add(self, file: DataFile) -> None:
        """Take in one that lacks columns, but for that of the game: what they would say is not known."""
        self._files += (file,)

    def rows(self, game_id: str | None = None) -> pl.DataFrame:
        """The table's rows, all or one game's, in file order: columns as `Table` declares them, then file and row.

        Rows and cells that cannot be read are left out, and counted as losses of the game. Raises FIELD_INVALID for a
        file that cannot be read.
        """
        parts = [self._readable(file, *self._cells(file, game_id), game_id) for file in self._holding(game_id)]
        return pl.concat(parts) if parts else pl.DataFrame(schema=self._schema)

    def row(self, game_id: str) -> dict[str, Any] | None:
        """The row of a game in a table that has one a game."""
        return next(self.rows(game_id).iter_rows(named=True), None)

    @property
    def games(self) -> Mapping[str, int]:
        """How many rows each game has. Rows of no game, and lines that are no rows, count as losses."""
        return {game_id: sum(share.rows for share in shares.values()) for game_id, shares in self._shares.items()}

    @property
    def _schema(self) -> dict[str, pl.DataType]:
        kinds = self.table.kinds.items()
        return {**{name: DTYPES[kind] for name, kind in kinds}, ROW: pl.UInt32(), FILE: pl.String()}

    def _holding(self, game_id: str | None) -> Iterable[DataFile]:
        return self._files if game_id is None else self._shares.get(game_id, {})

    @cached_property
    def _shares(self) -> Mapping[str, Mapping[DataFile, _Share]]:
        if self.table.game not in self.table.columns:
            return {}
        with self._lock:
            shares: defaultdict[str, dict[DataFile, _Share]] = defaultdict(dict)
            for file in self._files:
                for game_id, share in self._survey(file):
                    shares[game_id][file] = share
            return dict(shares)

    @cached_property
    def _planned(self) -> Mapping[DataFile, Mapping[str, tuple[str, ...]]]:
        """For each game in a file, those that are read with it: neighbors in the order in which games are played."""
        sizes: defaultdict[DataFile, dict[str, int]] = defaultdict(dict)
        for game_id in in_order(self._shares):
            for file, share in self._shares[game_id].items():
                sizes[file][game_id] = share.rows
        return {file: {game: lot for lot in _lots(games) for game in lot} for file, games in sizes.items()}

    def _survey(self, file: DataFile) -> Iterator[tuple[str, _Share]]:
        """Which games a file has rows of. Counts as losses what belongs to none."""
        name, game = file.path.name, self.table.game
        self._losses.begin(str(file.path))
        self._count_in(file, "a quote in the row is not closed", file.unclosed)
        fits = pl.col(CUT_OFF).is_null().alias("fits")
        counted = file.collect(
            self._rows_of(file).group_by(game, fits).agg(pl.len().alias("rows"), pl.col(ROW).min()).sort(ROW)
        )
        for row, rows in counted.filter(~pl.col("fits")).select(ROW, "rows").iter_rows():
            self._count_in(file, "the row has more cells than there are columns", [row] * rows)
        fitting = counted.filter("fits")
        if fitting.schema[game].is_temporal():  # not even read: times out of bounds have no value
            example = f"{name}, column {game}: {fitting.schema[game]}"
            self._losses.add(str(file.path), f"{game} is not {Kind.ID.value}", int(fitting["rows"].sum()), example)
            return
        cells: defaultdict[str, list[Any]] = defaultdict(list)
        sizes: defaultdict[str, int] = defaultdict(int)
        told = nullified(fitting[game])
        for game_id, cell, rows, row in zip(
            typed(told, Kind.ID), fitting[game], fitting["rows"], fitting[ROW], strict=True
        ):
            if game_id == game:
                self._losses.add(str(file.path), "the header comes again", rows, f"{name}, row {row}")
            elif game_id is None and cell is None:
                self._count_in(file, f"{game} is missing", self._homeless(file))
            elif game_id is None:
                example = f"{name}, row {row}, column {game}: {_shown(cell)}"
                self._losses.add(str(file.path), f"{game} is not {Kind.ID.value}", rows, example)
            else:
                cells[game_id].append(cell)
                sizes[game_id] += rows
        for game_id, written in cells.items():
            yield game_id, _Share(tuple(written), sizes[game_id])

    def _count_in(self, file: DataFile, reason: str, rows: Sequence[int]) -> None:
        if rows:
            self._losses.add(str(file.path), reason, len(rows), f"{file.path.name}, row {min(rows)}")

    def _homeless(self, file: DataFile) -> Sequence[int]:
        """Numbers of the rows that name no game, without blank ones."""
        others = [name for name in self.table.columns if name != self.table.game]
        rows = self._rows_of(file).filter(pl.col(self.table.game).is_null(), pl.col(CUT_OFF).is_null())
        told = pl.any_horizontal(pl.col(others).is_not_null())
        return file.collect(rows.filter(told).select(ROW))[ROW].to_list()

    def _raw(self, file: DataFile, games: Iterable[str] | None) -> pl.DataFrame:
        """Rows as a file has them, all or some games'; of the columns those that are read."""
        rows = self._scan(file)
        if games is not None:
            rows = rows.filter(self._is_of(file, games))
        return file.collect(rows.filter(pl.col(CUT_OFF).is_null()).select(*self._columns_in(file), ROW))

    def _is_of(self, file: DataFile, games: Iterable[str]) -> pl.Expr:
        """Whether a row of a file is one of these games'."""
        return pl.col(self.table.game).is_in([cell for game in games for cell in self._shares[game][file].cells])

    def _columns_in(self, file: DataFile) -> list[str]:
        """The columns of the table that a file's rows have."""
        made = {self.table.game} if self.table.game_from is not None else set()
        return [name for name in self.table.kinds if name in made.union(file.columns)]

    def _rows_of(self, file: DataFile) -> pl.LazyFrame:
        """The rows of a file, with what its games are called."""
        told = self.table.game_from
        return file.rows() if told is None else file.rows().with_columns(told.alias(self.table.game))

    def _scan(self, file: DataFile) -> pl.LazyFrame:
        """The rows of a file, from where they are read fastest game by game."""
        if not self.table.by_game:
            return self._rows_of(file)
        with self._lock:
            if file not in self._scans:
                shares = [games[file] for games in self._shares.values() if file in games]
                is_text = not file.path.name.endswith(".parquet")
                many = is_text and len(shares) > 1 and sum(share.rows for share in shares) > _MANY_ROWS
                self._scans[file] = self._copied(file) if many else self._rows_of(file)
            return self._scans[file]

    def _copied(self, file: DataFile) -> pl.LazyFrame:
        folder = Path(tempfile.mkdtemp(prefix="playscore-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        copy = folder / "rows.parquet"
        rows = self._rows_of(file).select(*self._columns_in(file), ROW, CUT_OFF)
        file.collect(rows.sink_parquet(copy, row_group_size=_ROW_GROUP, compression="lz4", lazy=True))
        return pl.scan_parquet(copy)

    def _cells(self, file: DataFile, game_id: str | None) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Rows as a file has them, and as values."""
        if self.table.by_game:
            return self._cells_of_game(file, game_id)
        with self._lock:
            if file not in self._whole:
                raw = self._raw(file, None)
                self._whole[file] = raw, self._values(raw)
            raw, values = self._whole[file]
        if game_id is None:
            return raw, values
        of_game = values[self.table.game] == game_id
        return raw.filter(of_game), values.filter(of_game)

    def _cells_of_game(self, file: DataFile, game_id: str | None) -> tuple[pl.DataFrame, pl.DataFrame]:
        lot = None if game_id is None else self._planned[file][game_id]
        if game_id is None or lot is None or len(lot) == 1:
            raw = self._raw(file, lot)
            return raw, self._values(raw)
        with self._lock:
            kept = self._lots.get(file)
            if kept is None or kept.games != lot:
                raw = self._raw(file, lot)
                kept = self._lots[file] = _Lot(lot, raw, self._values(raw))
        of_game = kept.raw.select(self._is_of(file, [game_id])).to_series()
        raw, values = kept.raw.filter(of_game), kept.values.filter(of_game)
        # What a clock says depends on the others of its column, which are those of the game.
        clocks = [name for name, kind in self.table.kinds.items() if kind is Kind.CLOCK and name in raw.columns]
        return raw, values.with_columns(typed(nullified(raw[name]), Kind.CLOCK).alias(name) for name in clocks)

    def _values(self, raw: pl.DataFrame) -> pl.DataFrame:
        return pl.DataFrame(
            [
                typed(nullified(raw[name]), kind).alias(name)
                if name in raw.columns
                else pl.Series(name, [None] * len(raw), dtype=DTYPES[kind])
                for name, kind in self.table.kinds.items()
            ]
        )

    def _readable(self, file: DataFile, raw: pl.DataFrame, values: pl.DataFrame, game_id: str | None) -> pl.DataFrame:
        """The rows that can be read, with their places; the others are counted."""
        table = self.table
        spoilt = pl.repeat(not set(table.keys).issubset(raw.columns), len(raw), eager=True)
        for name in raw.columns:
            if name not in table.kinds or not values[name].null_count():
                continue
            bad = unreadable(nullified(raw[name]), values[name])
            self._count(game_id, file, raw, name, bad, f"{name} is not {table.kinds[name].value}")
            is_lost = 2 * int(bad.sum()) > len(raw)
            if name in table.keys or (table.by_game and not is_lost):
                spoilt |= bad
            if name in table.keys:
                missing = values[name].is_null() & ~spoilt
                self._count(game_id, file, raw, name, missing, f"{name} is missing")
                spoilt |= missing
        where = pl.repeat(file.path.name, len(raw), dtype=pl.String(), eager=True).alias(FILE)
        rows = values.with_columns(raw[ROW], where)
        return rows.filter(~spoilt) if spoilt.any() else rows

    def _count(
        self, game_id: str | None, file: DataFile, raw: pl.DataFrame, column: str, which: pl.Series, reason: str
    ) -> None:
        if game_id is None or not which.any():
            return
        first = raw.filter(which).head(1)
        cell = str(raw.schema[column]) if raw.schema[column].is_temporal() else _shown(first[column].item())
        example = f"{file.path.name}, row {first[ROW].item()}, column {column}: {cell}"
        self._losses.add(game_id, reason, int(which.sum()), example)


def in_order(game_ids: Iterable[str]) -> tuple[str, ...]:
    """Identifiers of games in order: numbers by their value."""
    return tuple(sorted(game_ids, key=lambda game: (len(game), game)))


def _lots(games: Mapping[str, int]) -> Iterator[tuple[str, ...]]:
    """Games that are read at once, of all with their rows."""
    lot: list[str] = []
    rows = 0
    for game_id, more in games.items():
        if lot and rows + more > _LOT_ROWS:
            yield tuple(lot)
            lot, rows = [], 0
        lot.append(game_id)
        rows += more
    if lot:
        yield tuple(lot)


def _shown(cell: object) -> str:
    """A cell as people read it, cut short."""
    text = repr(cell) if isinstance(cell, str) else "empty" if cell is None else str(cell)
    return text if len(text) <= 60 else f"{text[:57]}..."
